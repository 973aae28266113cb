package main

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	applyconfigurations "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/pager"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
)

func clientGoSteps(s *session) []step {
	return []step{
		{"discovery", s.discovery},
		{"create", s.create},
		{"replace", s.replace},
		{"patch", s.patch},
		{"scale", s.scale},
		{"list_in_pages", s.listInPages},
		{"apply_configurations", s.applyConfigurations},
		{"server_side_apply", s.serverSideApply},
		{"protobuf", s.protobuf},
		{"watch_from_a_list", s.watch},
		{"informer", s.informer},
		{"leader_election", s.leaderElection},
		{"delete", s.delete},
	}
}

// discovery of kinds, of their types in both versions of OpenAPI, and of the resource of a kind.
func (s *session) discovery() {
	client := s.core.Discovery()
	expect(must(client.ServerVersion()).Major == "1", "no version")
	resources := must(client.ServerResourcesForGroupVersion(functions.GroupVersion().String())).APIResources
	at := slices.IndexFunc(resources, func(r metav1.APIResource) bool { return r.Name == functions.Resource })
	expect(at >= 0, "no Functions in %v", resources)
	for _, verb := range []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"} {
		expect(slices.Contains(resources[at].Verbs, verb), "Functions without %s", verb)
	}
	document := must(client.OpenAPISchema())
	names := []string{}
	for _, definition := range document.GetDefinitions().GetAdditionalProperties() {
		names = append(names, definition.GetName())
	}
	expect(slices.Contains(names, "io.functionmesh.compute.v1alpha1.Function"), "no Function in %v", names)
	paths := must(client.OpenAPIV3().Paths())
	_, ok := paths["apis/"+functions.GroupVersion().String()]
	expect(ok, "no document of version 3 in %v", paths)
	mapping := must(s.mapper().RESTMapping(functionKind.GroupKind()))
	expect(mapping.Resource == functions, "mapped to %v", mapping.Resource)
}

func (s *session) mapper() *restmapper.DeferredDiscoveryRESTMapper {
	return restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(s.core.Discovery()))
}

func (s *session) createNamespace() {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	must(s.core.CoreV1().Namespaces().Create(s.ctx, namespace, metav1.CreateOptions{}))
	connection := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "pulsar"},
		Data:       map[string]string{"webServiceURL": "http://pulsar:8080", "brokerServiceURL": "pulsar://pulsar:6650"},
	}
	must(s.core.CoreV1().ConfigMaps(s.namespace).Create(s.ctx, connection, metav1.CreateOptions{}))
}

func (s *session) createFunction(name string, spec fields) (*unstructured.Unstructured, error) {
	return s.functions().Create(s.ctx, s.function(name, spec), metav1.CreateOptions{})
}

func (s *session) get(name string) *unstructured.Unstructured {
	return must(s.functions().Get(s.ctx, name, metav1.GetOptions{}))
}

func (s *session) statefulSet(name string) (*appsv1.StatefulSet, error) {
	return s.core.AppsV1().StatefulSets(s.namespace).Get(s.ctx, name+"-function", metav1.GetOptions{})
}

func (s *session) create() {
	s.createNamespace()
	made := must(s.createFunction("go", nil))
	expect(made.GetUID() != "" && made.GetGeneration() == 1, "%v", made)
	refused[*unstructured.Unstructured](apierrors.IsAlreadyExists)(s.createFunction("go", nil))
	wrong := refused[*unstructured.Unstructured](apierrors.IsInvalid)(s.createFunction("wrong", fields{"replicas": int64(-1)}))
	causes := wrong.ErrStatus.Details.Causes
	expect(len(causes) == 1 && causes[0].Field == "spec.replicas", "%v", causes)
	eventually("a ready pod", func() bool {
		set, err := s.statefulSet("go")
		return err == nil && set.Status.ReadyReplicas == 1
	})
}

func (s *session) replace() {
	stale := s.get("go")
	label := []byte(`{"metadata":{"labels":{"team":"a"}}}`)
	must(s.functions().Patch(s.ctx, "go", types.MergePatchType, label, metav1.PatchOptions{}))
	refused[*unstructured.Unstructured](apierrors.IsConflict)(s.functions().Update(s.ctx, stale, metav1.UpdateOptions{}))
	expectNo(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		fresh := s.get("go")
		expectNo(unstructured.SetNestedField(fresh.Object, int64(2), "spec", "replicas"))
		_, err := s.functions().Update(s.ctx, fresh, metav1.UpdateOptions{FieldManager: "editor"})
		return err
	}))
	fresh := s.get("go")
	expect(specReplicas(fresh) == 2 && fresh.GetLabels()["team"] == "a", "%v", fresh)
	eventually("two replicas of its set", func() bool { return *must(s.statefulSet("go")).Spec.Replicas == 2 })
}

// patch by each of the types, of a kind of ours and of a core kind; by strategy a key of a list is merged into it.
func (s *session) patch() {
	env := func(object *unstructured.Unstructured) []any {
		list, _ := found(unstructured.NestedSlice(object.Object, "spec", "pod", "env"))
		return list
	}
	patched := func(kind types.PatchType, body string) *unstructured.Unstructured {
		return must(s.functions().Patch(s.ctx, "go", kind, []byte(body), metav1.PatchOptions{}))
	}
	first := patched(types.MergePatchType, `{"spec":{"pod":{"env":[{"name":"A","value":"1"}]}}}`)
	second := patched(types.StrategicMergePatchType, `{"spec":{"pod":{"env":[{"name":"B","value":"2"}]}}}`)
	expect(len(env(first)) == 1 && len(env(second)) == 2, "%v, %v", env(first), env(second))
	third := patched(types.JSONPatchType, `[{"op":"test","path":"/spec/replicas","value":2},{"op":"remove","path":"/spec/pod"}]`)
	expect(len(env(third)) == 0, "%v", third)
	refused[*unstructured.Unstructured](apierrors.IsInvalid)(
		s.functions().Patch(s.ctx, "go", types.JSONPatchType, []byte(`[{"op":"test","path":"/spec/replicas","value":9}]`), metav1.PatchOptions{}))
	sets := s.core.AppsV1().StatefulSets(s.namespace)
	set := must(sets.Patch(s.ctx, "go-function", types.StrategicMergePatchType,
		[]byte(`{"metadata":{"annotations":{"note":"typed"}}}`), metav1.PatchOptions{}))
	expect(set.Annotations["note"] == "typed" && len(set.Spec.Template.Spec.Containers) > 0, "%v", set)
}

func (s *session) scale() {
	resolver := scale.NewDiscoveryScaleKindResolver(s.core.Discovery())
	scales := must(scale.NewForConfig(s.config, s.mapper(), dynamic.LegacyAPIPathResolverFunc, resolver)).Scales(s.namespace)
	before := must(scales.Get(s.ctx, functions.GroupResource(), "go", metav1.GetOptions{}))
	expect(before.Spec.Replicas == 2 && before.Status.Selector != "", "%v", before)
	body := []byte(`{"spec":{"replicas":3}}`)
	after := must(scales.Patch(s.ctx, functions, "go", types.MergePatchType, body, metav1.PatchOptions{}))
	expect(after.Spec.Replicas == 3 && specReplicas(s.get("go")) == 3, "%v", after)
	typed := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "go-function", Namespace: s.namespace}}
	typed.Spec.Replicas = 3
	must(s.core.AppsV1().StatefulSets(s.namespace).UpdateScale(s.ctx, "go-function", typed, metav1.UpdateOptions{}))
}

func (s *session) listInPages() {
	for _, name := range []string{"page-a", "page-b"} {
		must(s.createFunction(name, fields{"replicas": int64(0)}))
	}
	pages, names := 0, []string{}
	each := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		pages++
		return s.functions().List(ctx, options)
	})
	each.PageSize = 2
	expectNo(each.EachListItem(s.ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		names = append(names, item.(*unstructured.Unstructured).GetName())
		return nil
	}))
	expect(pages == 2 && slices.Equal(names, []string{"go", "page-a", "page-b"}), "%d pages of %v", pages, names)
	for _, selected := range []metav1.ListOptions{{LabelSelector: "team in (a,b)"}, {FieldSelector: "metadata.name=go"}} {
		list := must(s.functions().List(s.ctx, selected))
		expect(len(list.Items) == 1 && list.Items[0].GetName() == "go", "%v: %v", selected, list.Items)
	}
}

// applyConfigurations of a core kind: what an earlier one had and a later one hasn't is given up.
func (s *session) applyConfigurations() {
	maps := s.core.CoreV1().ConfigMaps(s.namespace)
	settings := func(data map[string]string) *applyconfigurations.ConfigMapApplyConfiguration {
		return applyconfigurations.ConfigMap("settings", s.namespace).WithData(data)
	}
	first, second := metav1.ApplyOptions{FieldManager: "first"}, metav1.ApplyOptions{FieldManager: "second"}
	must(maps.Apply(s.ctx, settings(map[string]string{"a": "1", "b": "1"}), first))
	shared := must(maps.Apply(s.ctx, settings(map[string]string{"a": "1", "c": "2"}), second))
	expect(len(shared.Data) == 3, "%v", shared.Data)
	conflict := refused[*corev1.ConfigMap](apierrors.IsConflict)(maps.Apply(s.ctx, settings(map[string]string{"a": "2"}), second))
	expect(strings.Contains(conflict.Error(), `"first"`) && strings.Contains(conflict.Error(), ".data.a"), "%v", conflict)
	second.Force = true
	forced := must(maps.Apply(s.ctx, settings(map[string]string{"a": "2"}), second))
	expect(forced.Data["a"] == "2" && forced.Data["b"] == "1" && len(forced.Data) == 2, "%v", forced.Data)
	own := must(applyconfigurations.ExtractConfigMap(forced, "first"))
	expect(len(own.Data) == 1 && own.Data["b"] == "1", "%v", own.Data)
	unchanged := must(maps.Apply(s.ctx, own, first))
	expect(unchanged.ResourceVersion == forced.ResourceVersion, "%s, %s", unchanged.ResourceVersion, forced.ResourceVersion)
}

func (s *session) serverSideApply() {
	first, second := metav1.ApplyOptions{FieldManager: "first"}, metav1.ApplyOptions{FieldManager: "second"}
	must(s.functions().Apply(s.ctx, "applied", s.function("applied", nil), first))
	replicas := s.part("applied", fields{"spec": fields{"replicas": int64(2)}})
	conflict := refused[*unstructured.Unstructured](apierrors.IsConflict)(s.functions().Apply(s.ctx, "applied", replicas, second))
	expect(strings.Contains(conflict.Error(), ".spec.replicas"), "%v", conflict)
	second.Force = true
	applied := must(s.functions().Apply(s.ctx, "applied", replicas, second))
	expect(specReplicas(applied) == 2, "%v", applied)
	managers := map[string]bool{}
	for _, entry := range applied.GetManagedFields() {
		if entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			managers[entry.Manager] = strings.Contains(string(entry.FieldsV1.Raw), `"f:replicas"`)
		}
	}
	expect(!managers["first"] && managers["second"] && len(managers) == 2, "%v", managers)
}

// protobuf is what controllers of core kinds speak; it has every number, even one that says nothing.
func (s *session) protobuf() {
	config := rest.CopyConfig(s.config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client := must(kubernetes.NewForConfig(config))
	selector := map[string]string{"app": "binary"}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "binary"},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	made := must(client.CoreV1().Services(s.namespace).Create(s.ctx, service, metav1.CreateOptions{}))
	expect(made.Spec.Ports[0].TargetPort.IntValue() == 80 && made.Spec.Type == corev1.ServiceTypeClusterIP, "%v", made.Spec)
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}
	container := corev1.Container{Name: "main", Image: "example.org/main:1.0", ReadinessProbe: probe}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "binary"}, Spec: appsv1.StatefulSetSpec{
		ServiceName: "binary", Selector: &metav1.LabelSelector{MatchLabels: selector},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: selector},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
		},
	}}
	sets := client.AppsV1().StatefulSets(s.namespace)
	must(sets.Create(s.ctx, set, metav1.CreateOptions{}))
	watched := must(sets.Watch(s.ctx, metav1.SingleObject(metav1.ObjectMeta{Name: "binary"})))
	defer watched.Stop()
	for event := range watched.ResultChan() {
		if read := event.Object.(*appsv1.StatefulSet); read.Status.ReadyReplicas == 1 {
			expect(read.Spec.Template.Spec.Containers[0].ReadinessProbe.PeriodSeconds == 10, "%v", read.Spec)
			break
		}
	}
	expectNo(sets.Delete(s.ctx, "binary", metav1.DeleteOptions{}))
}

// watch from a list on, with an event for each change of one object; the library watches again by itself.
func (s *session) watch() {
	list := must(s.functions().List(s.ctx, metav1.ListOptions{}))
	must(s.createFunction("watched", fields{"replicas": int64(0)}))
	expectNo(s.functions().Delete(s.ctx, "watched", metav1.DeleteOptions{}))
	seen := []watch.EventType{}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	only := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.FieldSelector = "metadata.name=watched"
		return s.functions().Watch(ctx, options)
	}}
	must(watchtools.Until(ctx, list.GetResourceVersion(), only, func(event watch.Event) (bool, error) {
		seen = append(seen, event.Type)
		return event.Type == watch.Deleted, nil
	}))
	expect(seen[0] == watch.Added && !slices.Contains(seen[1:], watch.Added), "%v", seen)
}

// informer of a core kind and of one of ours; both keep in step and tell what changes.
func (s *session) informer() {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	typed := informers.NewSharedInformerFactoryWithOptions(s.core, 0, informers.WithNamespace(s.namespace))
	sets := typed.Apps().V1().StatefulSets()
	sets.Informer()
	ours := dynamicinformer.NewFilteredDynamicSharedInformerFactory(s.dynamic, 0, s.namespace, nil).ForResource(functions)
	var added, updated, deleted atomic.Int64
	must(ours.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(before, after any) { updated.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	}))
	typed.StartWithContext(ctx)
	go ours.Informer().RunWithContext(ctx)
	expect(cache.WaitForCacheSync(ctx.Done(), sets.Informer().HasSynced, ours.Informer().HasSynced), "not in step")
	before := len(must(ours.Lister().List(labels.Everything())))
	eventually("an event for each object", func() bool { return int(added.Load()) == before })

	must(s.createFunction("informed", nil))
	eventually("its set", func() bool {
		_, err := sets.Lister().StatefulSets(s.namespace).Get("informed-function")
		return err == nil
	})
	eventually("its status", func() bool {
		object, err := ours.Lister().ByNamespace(s.namespace).Get("informed")
		if err != nil {
			return false
		}
		ready, _ := found(unstructured.NestedInt64(object.(*unstructured.Unstructured).Object, "status", "readyReplicas"))
		return ready == 1 && updated.Load() > 0
	})
	expectNo(s.functions().Delete(s.ctx, "informed", metav1.DeleteOptions{}))
	eventually("their end", func() bool {
		_, err := sets.Lister().StatefulSets(s.namespace).Get("informed-function")
		return apierrors.IsNotFound(err) && deleted.Load() == 1
	})
	expect(int(added.Load()) == before+1, "%d added", added.Load())
}

// leaderElection: the second candidate waits for as long as the first renews, and leads at once when that one resigns.
func (s *session) leaderElection() {
	elect := func(identity string) (leads chan struct{}, resign func()) {
		ctx, cancel := context.WithCancel(s.ctx)
		leads = make(chan struct{})
		lock := must(resourcelock.New(resourcelock.LeasesResourceLock, s.namespace, "go-leader",
			s.core.CoreV1(), s.core.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: identity}))
		go leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 500 * time.Millisecond,
			ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { close(leads) },
				OnStoppedLeading: func() {},
			},
		})
		return leads, cancel
	}
	holder := func() *metav1.MicroTime {
		return must(s.core.CoordinationV1().Leases(s.namespace).Get(s.ctx, "go-leader", metav1.GetOptions{})).Spec.RenewTime
	}
	first, resign := elect("first")
	within(first, "the first leads")
	renewed := holder()
	second, stop := elect("second")
	defer stop()
	eventually("another renewal", func() bool { return holder().After(renewed.Time) })
	select {
	case <-second:
		panic("two lead")
	default:
	}
	resign()
	within(second, "the second leads")
}

func within(done <-chan struct{}, what string) {
	select {
	case <-done:
	case <-time.After(patience):
		panic("not in time: " + what)
	}
}

// delete a collection, with what was made for it, and the namespace.
func (s *session) delete() {
	foreground := metav1.DeletePropagationForeground
	expectNo(s.functions().Delete(s.ctx, "go", metav1.DeleteOptions{PropagationPolicy: &foreground}))
	eventually("it is gone after its set", func() bool {
		_, err := s.functions().Get(s.ctx, "go", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	_, err := s.statefulSet("go")
	expect(apierrors.IsNotFound(err), "its set is there: %v", err)
	s.deleteAll()
}

func (s *session) deleteAll() {
	expectNo(s.functions().DeleteCollection(s.ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	eventually("nothing is left", func() bool {
		sets := must(s.core.AppsV1().StatefulSets(s.namespace).List(s.ctx, metav1.ListOptions{}))
		return len(must(s.functions().List(s.ctx, metav1.ListOptions{})).Items)+len(sets.Items) == 0
	})
	expectNo(s.core.CoreV1().Namespaces().Delete(s.ctx, s.namespace, metav1.DeleteOptions{}))
	eventually("the namespace is gone", func() bool {
		_, err := s.core.CoreV1().Namespaces().Get(s.ctx, s.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

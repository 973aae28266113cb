package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "example.org/notes"

// notes is an operator on top of ours: it keeps a ConfigMap beside each Function that says how many replicas it has.
type notes struct {
	client.Client
	reconciles atomic.Int64
}

func (n *notes) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	n.reconciles.Add(1)
	fn := newFunction()
	if err := n.Get(ctx, request.NamespacedName, fn); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := fn.DeepCopy()
	if fn.GetDeletionTimestamp() != nil {
		if controllerutil.RemoveFinalizer(fn, finalizer) {
			return ctrl.Result{}, client.IgnoreNotFound(n.Patch(ctx, fn, client.MergeFrom(before)))
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(fn, finalizer) {
		if err := n.Patch(ctx, fn, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, err
		}
	}
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name + "-notes"}}
	_, err := controllerutil.CreateOrUpdate(ctx, n.Client, note, func() error {
		note.Data = map[string]string{"replicas": strconv.FormatInt(specReplicas(fn), 10)}
		return controllerutil.SetControllerReference(fn, note, n.Scheme())
	})
	return ctrl.Result{}, err
}

func newFunction() *unstructured.Unstructured {
	fn := &unstructured.Unstructured{}
	fn.SetGroupVersionKind(functionKind)
	return fn
}

func newFunctionList() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(functionKind)
	return list
}

// An operator is a manager that runs, with its reconciler.
type operator struct {
	manager    ctrl.Manager
	reconciler *notes
	stop       func()
}

// startOperator waits until the manager's caches are in step. It reconciles once it is elected.
func (s *session) startOperator() operator {
	ctrl.SetLogger(logr.Discard())
	unlimited, again := time.Duration(-1), true
	manager := must(ctrl.NewManager(s.config, ctrl.Options{
		Scheme:                        scheme.Scheme,
		Metrics:                       server.Options{BindAddress: "0"},
		Cache:                         cache.Options{DefaultNamespaces: map[string]cache.Config{s.namespace: {}}},
		LeaderElection:                true,
		LeaderElectionID:              "notes",
		LeaderElectionNamespace:       s.namespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &unlimited,
		// Two of one name run in this process, one after the other leads.
		Controller: config.Controller{SkipNameValidation: &again},
		// A Function read by the reconciler comes from the cache, as typed kinds do.
		Client: client.Options{Cache: &client.CacheOptions{Unstructured: true}},
	}))
	reconciler := &notes{Client: manager.GetClient()}
	expectNo(ctrl.NewControllerManagedBy(manager).Named("notes").For(newFunction()).Owns(&corev1.ConfigMap{}).Complete(reconciler))
	expectNo(manager.GetFieldIndexer().IndexField(s.ctx, newFunction(), "spec.image", func(object client.Object) []string {
		image, _ := found(unstructured.NestedString(object.(*unstructured.Unstructured).Object, "spec", "image"))
		return []string{image}
	}))
	ctx, cancel := context.WithCancel(s.ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		expectNo(manager.Start(ctx))
	}()
	expect(manager.GetCache().WaitForCacheSync(ctx), "caches are not in step")
	return operator{manager, reconciler, func() {
		cancel()
		<-stopped
	}}
}

func controllerRuntimeSteps(s *session) []step {
	var first, second operator
	direct := must(client.NewWithWatch(s.config, client.Options{Scheme: scheme.Scheme}))
	inNamespace := client.InNamespace(s.namespace)
	key := func(name string) client.ObjectKey { return client.ObjectKey{Namespace: s.namespace, Name: name} }
	note := func(name string) (*corev1.ConfigMap, error) {
		read := &corev1.ConfigMap{}
		return read, direct.Get(s.ctx, key(name+"-notes"), read)
	}
	noted := func(name, replicas string) {
		eventually(name+" is noted with "+replicas, func() bool {
			read, err := note(name)
			return err == nil && read.Data["replicas"] == replicas
		})
	}

	return []step{
		{"create", func() {
			s.createNamespace()
			first = s.startOperator()
			within(first.manager.Elected(), "the first leads")
			expectNo(direct.Create(s.ctx, s.function("noted", nil)))
			noted("noted", "1")
			owner := metav1.GetControllerOf(must(note("noted")))
			expect(owner != nil && owner.Kind == "Function" && owner.Name == "noted", "%v", owner)
			err := direct.Create(s.ctx, s.function("wrong", fields{"replicas": int64(-1)}))
			expect(apierrors.IsInvalid(err), "%v", err)
		}},
		{"reconcile", func() {
			fn := s.part("noted", fields{})
			body := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":2}}`))
			expectNo(direct.Patch(s.ctx, fn, body))
			noted("noted", "2")
			expectNo(direct.Delete(s.ctx, must(note("noted"))))
			noted("noted", "2")
			eventually("our controller follows too", func() bool {
				set := &appsv1.StatefulSet{}
				return direct.Get(s.ctx, key("noted-function"), set) == nil && *set.Spec.Replicas == 2
			})
		}},
		{"replace", func() {
			stale, fresh := newFunction(), newFunction()
			expectNo(direct.Get(s.ctx, key("noted"), stale))
			label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"team":"a"}}}`))
			expectNo(direct.Patch(s.ctx, s.part("noted", fields{}), label))
			expect(apierrors.IsConflict(direct.Update(s.ctx, stale)), "a stale one is taken")
			expectNo(retry.RetryOnConflict(retry.DefaultRetry, func() error {
				expectNo(direct.Get(s.ctx, key("noted"), fresh))
				expectNo(unstructured.SetNestedField(fresh.Object, int64(3), "spec", "replicas"))
				return direct.Update(s.ctx, fresh)
			}))
			expect(fresh.GetLabels()["team"] == "a", "%v", fresh)
			noted("noted", "3")
		}},
		{"list_in_pages", func() {
			for _, name := range []string{"page-a", "page-b"} {
				expectNo(direct.Create(s.ctx, s.function(name, fields{"replicas": int64(0)})))
			}
			names, page := []string{}, newFunctionList()
			for more := true; more; more = page.GetContinue() != "" {
				expectNo(direct.List(s.ctx, page, inNamespace, client.Limit(2), client.Continue(page.GetContinue())))
				for _, item := range page.Items {
					names = append(names, item.GetName())
				}
			}
			expect(slices.Equal(names, []string{"noted", "page-a", "page-b"}), "%v", names)
			selected := newFunctionList()
			expectNo(direct.List(s.ctx, selected, inNamespace, client.MatchingLabels{"team": "a"}))
			expect(len(selected.Items) == 1, "%v", selected.Items)
		}},
		{"watch_from_a_list", func() {
			list := newFunctionList()
			expectNo(direct.List(s.ctx, list, inNamespace))
			events := must(direct.Watch(s.ctx, newFunctionList(), inNamespace, client.MatchingFields{"metadata.name": "watched"},
				&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}}))
			defer events.Stop()
			expectNo(direct.Create(s.ctx, s.function("watched", fields{"replicas": int64(0)})))
			expectNo(direct.Delete(s.ctx, s.part("watched", fields{})))
			seen := []watch.EventType{}
			for event := range events.ResultChan() {
				seen = append(seen, event.Type)
				if event.Type == watch.Deleted {
					break
				}
			}
			expect(seen[0] == watch.Added && seen[len(seen)-1] == watch.Deleted, "%v", seen)
		}},
		{"create_or_update", func() {
			settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "settings"}}
			for _, wanted := range []controllerutil.OperationResult{
				controllerutil.OperationResultCreated, controllerutil.OperationResultNone,
			} {
				result := must(controllerutil.CreateOrUpdate(s.ctx, direct, settings, func() error {
					settings.Data = map[string]string{"a": "1"}
					return nil
				}))
				expect(result == wanted, "%s instead of %s", result, wanted)
			}
		}},
		{"server_side_apply", func() {
			full := s.function("applied", nil)
			expectNo(direct.Apply(s.ctx, client.ApplyConfigurationFromUnstructured(full), client.FieldOwner("first")))
			replicas := func() *unstructured.Unstructured {
				return s.part("applied", fields{"spec": fields{"replicas": int64(2)}})
			}
			err := direct.Apply(s.ctx, client.ApplyConfigurationFromUnstructured(replicas()), client.FieldOwner("second"))
			expect(apierrors.IsConflict(err) && strings.Contains(err.Error(), ".spec.replicas"), "%v", err)
			//lint:ignore SA1019 the older of two ways to apply is the one that most controllers have.
			older := client.Apply
			forced := replicas()
			expectNo(direct.Patch(s.ctx, forced, older, client.FieldOwner("second"), client.ForceOwnership))
			expect(specReplicas(forced) == 2, "%v", forced)
			noted("applied", "2")
		}},
		{"status", func() {
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "balanced"}}
			service.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}}
			expectNo(direct.Create(s.ctx, service))
			service.Spec.Ports[0].Port = 81 // No write of a status takes that.
			service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
			expectNo(direct.Status().Update(s.ctx, service))
			before := service.DeepCopy()
			service.Status.Conditions = []metav1.Condition{{
				Type: "Balanced", Status: metav1.ConditionTrue, Reason: "Told", LastTransitionTime: metav1.Now(),
			}}
			expectNo(direct.Status().Patch(s.ctx, service, client.MergeFrom(before)))
			read := &corev1.Service{}
			expectNo(direct.Get(s.ctx, key("balanced"), read))
			expect(len(read.Status.LoadBalancer.Ingress) == 1 && len(read.Status.Conditions) == 1, "%v", read)
			expect(read.Spec.Ports[0].Port == 80 && read.Spec.Ports[0].TargetPort.IntValue() == 80, "%v", read.Spec)

			// The status of a Function is that of its controller, which puts right what another writes.
			fn := newFunction()
			expectNo(direct.Get(s.ctx, key("noted"), fn))
			earlier := fn.DeepCopy()
			expectNo(unstructured.SetNestedField(fn.Object, int64(7), "status", "readyReplicas"))
			expectNo(direct.Status().Patch(s.ctx, fn, client.MergeFrom(earlier)))
			eventually("its true status", func() bool {
				expectNo(direct.Get(s.ctx, key("noted"), fn))
				ready, _ := found(unstructured.NestedInt64(fn.Object, "status", "readyReplicas"))
				return ready == 3
			})
		}},
		{"informer", func() {
			cached := first.manager.GetClient()
			list := newFunctionList()
			eventually("all in the cache, by an index of its own", func() bool {
				expectNo(cached.List(s.ctx, list, inNamespace, client.MatchingFields{"spec.image": "example.org/wordcount:1.0"}))
				return len(list.Items) == 4
			})
		}},
		{"leader_election", func() {
			second = s.startOperator()
			select {
			case <-second.manager.Elected():
				panic("two lead")
			default:
			}
			expect(second.reconciler.reconciles.Load() == 0, "one that doesn't lead reconciles")
			first.stop()
			within(second.manager.Elected(), "the second leads")
			expectNo(direct.Create(s.ctx, s.function("later", nil)))
			noted("later", "1")
		}},
		{"delete", func() {
			expectNo(direct.DeleteAllOf(s.ctx, newFunction(), inNamespace))
			eventually("every finalizer is taken away, and the note collected", func() bool {
				_, err := note("noted")
				left := newFunctionList()
				expectNo(direct.List(s.ctx, left, inNamespace))
				return apierrors.IsNotFound(err) && len(left.Items) == 0
			})
			second.stop()
			s.deleteAll()
		}},
	}
}

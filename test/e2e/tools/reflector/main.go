// Command reflector keeps a client-go informer on Functions in step with a server while writers change them, and fails
// when the informer's view ever goes backwards or ends up different from the server's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var functions = schema.GroupVersionResource{Group: "compute.functionmesh.io", Version: "v1alpha1", Resource: "functions"}

// requests counts how the informer reads: streaming lists, plain lists, and watches that resume. It cuts every watch off
// after a while, as networks do, so that the informer has to resume.
type requests struct {
	next                    http.RoundTripper
	cutAfter                time.Duration
	streams, lists, resumes atomic.Int64
}

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	switch {
	case query.Get("sendInitialEvents") == "true":
		r.streams.Add(1)
	case query.Get("watch") != "":
		r.resumes.Add(1)
	case request.Method == http.MethodGet:
		r.lists.Add(1)
	}
	response, err := r.next.RoundTrip(request)
	if err == nil && query.Get("watch") != "" && r.cutAfter > 0 {
		body := &cutBody{ReadCloser: response.Body}
		response.Body = body
		time.AfterFunc(r.cutAfter, body.cut)
	}
	return response, err
}

// cutBody ends in the middle, as a broken connection does.
type cutBody struct {
	io.ReadCloser
	broken atomic.Bool
}

func (b *cutBody) cut() {
	b.broken.Store(true)
	_ = b.ReadCloser.Close()
}

func (b *cutBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil && b.broken.Load() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// maxProblems is what a person reads of a run that went wrong; the first tell most.
const maxProblems = 20

// summary counts successful writes and what the informer was told. Objects is how many there were in the end.
type summary struct {
	Writes, Events, Streams, Lists, Resumes int64
	Objects                                 int
	Problems                                []string
}

// order remembers the newest version of each object and of all; both only grow. Versions of this server are revisions of
// its store, one sequence for all objects.
type order struct {
	lock    sync.Mutex
	result  *summary
	newest  int64
	objects map[string]int64
}

// observe takes an event. Those of an initial list come by name, so only their own object's version can be compared.
func (o *order) observe(verb string, object any, initial bool) {
	item, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	version, err := strconv.ParseInt(item.GetResourceVersion(), 10, 64)
	o.lock.Lock()
	defer o.lock.Unlock()
	o.result.Events++
	if before := o.objects[item.GetName()]; err != nil || version < before {
		o.problem("%s %s went back from %d to %s", verb, item.GetName(), before, item.GetResourceVersion())
	}
	if !initial && version < o.newest {
		o.problem("%s %s at %d came after %d", verb, item.GetName(), version, o.newest)
	}
	o.objects[item.GetName()] = version
	o.newest = max(o.newest, version)
}

func (o *order) problem(format string, args ...any) {
	if len(o.result.Problems) == maxProblems {
		return
	}
	o.result.Problems = append(o.result.Problems, fmt.Sprintf(format, args...))
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of an administrator")
	namespace := flag.String("namespace", "default", "an existing namespace")
	objects := flag.Int("objects", 500, "how many Functions are kept changing")
	writers := flag.Int("writers", 8, "writers at once")
	seconds := flag.Int("seconds", 60, "how long they write")
	cutAfter := flag.Duration("cut-after", 0, "how long a watch lasts before its connection is cut; 0: for ever")
	flag.Parse()
	result, err := run(*kubeconfig, *namespace, *objects, *writers, time.Duration(*seconds)*time.Second, *cutAfter)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(result)
	fmt.Println(string(text))
	if len(result.Problems) > 0 {
		os.Exit(1)
	}
}

func function(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "compute.functionmesh.io/v1alpha1", "kind": "Function",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"className": "org.example.Exclaim", "java": map[string]any{"jar": "/pulsar/fn.jar"}, "pulsar": map[string]any{"pulsarConfig": "pulsar"},
			"input": map[string]any{"topics": []any{"persistent://public/default/in"}}, "output": map[string]any{"topic": "persistent://public/default/out"},
			"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "1G"}, "limits": map[string]any{"cpu": "200m", "memory": "1G"}},
		},
	}}
}

func run(kubeconfig, namespace string, objects, writers int, duration, cutAfter time.Duration) (*summary, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1
	writeClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	counted := &requests{cutAfter: cutAfter}
	readConfig := *config
	readConfig.Wrap(func(next http.RoundTripper) http.RoundTripper { counted.next = next; return counted })
	readClient, err := dynamic.NewForConfig(&readConfig)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	informer := dynamicinformer.NewFilteredDynamicInformer(readClient, functions, namespace, 0, cache.Indexers{}, nil).Informer()
	result := &summary{}
	seen := &order{result: result, objects: map[string]int64{}}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc:    func(object any, initial bool) { seen.observe("add", object, initial) },
		UpdateFunc: func(_, object any) { seen.observe("update", object, false) },
		DeleteFunc: func(object any) { seen.observe("delete", object, false) },
	}); err != nil {
		return nil, err
	}
	go informer.Run(ctx.Done())

	client := writeClient.Resource(functions).Namespace(namespace)
	for i := range objects / 2 {
		_, err := client.Create(ctx, function(fmt.Sprintf("fn-%d", i)), metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	var writes atomic.Int64
	var group sync.WaitGroup
	end := time.Now().Add(duration)
	failures := make(chan error, writers)
	for writer := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			random := rand.New(rand.NewSource(int64(writer)))
			for time.Now().Before(end) {
				done, err := write(ctx, client, random, objects)
				if err != nil {
					failures <- err
					return
				}
				if done {
					writes.Add(1)
				}
			}
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		return nil, err
	}
	result.Writes = writes.Load()

	if err := compare(ctx, client, informer.GetStore(), seen); err != nil {
		return nil, err
	}
	result.Streams, result.Lists, result.Resumes = counted.streams.Load(), counted.lists.Load(), counted.resumes.Load()
	seen.lock.Lock()
	defer seen.lock.Unlock()
	if result.Streams != 1 || result.Lists != 0 {
		seen.problem("the informer read everything by %d streaming and %d plain lists", result.Streams, result.Lists)
	}
	return result, nil
}

// write creates, patches or deletes one object at random, and says whether that could be done: others write too.
func write(ctx context.Context, client dynamic.ResourceInterface, random *rand.Rand, objects int) (bool, error) {
	name := fmt.Sprintf("fn-%d", random.Intn(objects))
	var err error
	switch random.Intn(10) {
	case 0:
		err = client.Delete(ctx, name, metav1.DeleteOptions{})
	case 1, 2:
		_, err = client.Create(ctx, function(name), metav1.CreateOptions{})
	default:
		patch := fmt.Sprintf(`{"metadata":{"labels":{"step":"%d"}},"spec":{"funcConfig":{"n":%d}}}`, random.Intn(1000), random.Intn(1000000))
		_, err = client.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	}
	if apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}

// compare waits until the informer has what the server has, byte for byte.
func compare(ctx context.Context, client dynamic.ResourceInterface, store cache.Store, seen *order) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		different := difference(list.Items, store)
		if different == "" {
			seen.lock.Lock()
			defer seen.lock.Unlock()
			seen.result.Objects = len(list.Items)
			return nil
		}
		if time.Now().After(deadline) {
			seen.lock.Lock()
			defer seen.lock.Unlock()
			seen.problem("%s", different)
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func difference(items []unstructured.Unstructured, store cache.Store) string {
	if got := len(store.List()); got != len(items) {
		return fmt.Sprintf("the informer has %d objects, the server %d", got, len(items))
	}
	for _, item := range items {
		cached, ok, _ := store.GetByKey(item.GetNamespace() + "/" + item.GetName())
		if !ok {
			return fmt.Sprintf("the informer lacks %s", item.GetName())
		}
		if held, ok := cached.(*unstructured.Unstructured); !ok || !reflect.DeepEqual(held.Object, item.Object) {
			return fmt.Sprintf("the informer has another %s", item.GetName())
		}
	}
	return ""
}

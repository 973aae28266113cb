package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

var (
	functionKind = schema.GroupVersionKind{Group: "compute.functionmesh.io", Version: "v1alpha1", Kind: "Function"}
	functions    = functionKind.GroupVersion().WithResource("functions")
)

// patience is how long the server may take for what it does by itself, on a machine with much else to do.
const patience = 30 * time.Second

// A session is the clients of an administrator, and the namespace that they work in.
type session struct {
	ctx       context.Context
	config    *rest.Config
	namespace string
	core      kubernetes.Interface
	dynamic   dynamic.Interface
}

func newSession(ctx context.Context, config *rest.Config, namespace string) *session {
	return &session{ctx, config, namespace, must(kubernetes.NewForConfig(config)), must(dynamic.NewForConfig(config))}
}

func (s *session) functions() dynamic.ResourceInterface {
	return s.dynamic.Resource(functions).Namespace(s.namespace)
}

type fields = map[string]any

// function is a complete Function; spec changes fields of it.
func (s *session) function(name string, spec fields) *unstructured.Unstructured {
	full := fields{
		"className": "org.example.WordCount",
		"image":     "example.org/wordcount:1.0",
		"replicas":  int64(1),
		"input":     fields{"topics": []any{"persistent://public/default/sentences"}},
		"output":    fields{"topic": "persistent://public/default/counts"},
		"resources": fields{"requests": fields{"cpu": "100m"}, "limits": fields{"cpu": "200m", "memory": "512Mi"}},
		"pulsar":    fields{"pulsarConfig": "pulsar"},
		"java":      fields{"jar": "/pulsar/wordcount.jar"},
	}
	maps.Copy(full, spec)
	return s.part(name, fields{"spec": full})
}

// part is a Function with these fields alone, as who applies some of them sends it.
func (s *session) part(name string, content fields) *unstructured.Unstructured {
	part := &unstructured.Unstructured{Object: maps.Clone(content)}
	part.SetGroupVersionKind(functionKind)
	part.SetName(name)
	part.SetNamespace(s.namespace)
	return part
}

func specReplicas(object *unstructured.Unstructured) int64 {
	replicas, _ := found(unstructured.NestedInt64(object.Object, "spec", "replicas"))
	return replicas
}

func must[T any](value T, err error) T {
	expectNo(err)
	return value
}

func found[T any](value T, ok bool, err error) (T, bool) {
	expectNo(err)
	return value, ok
}

func expectNo(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(holds bool, format string, args ...any) {
	if !holds {
		panic(fmt.Sprintf(format, args...))
	}
}

// refused expects the Status of a refusal, and returns it.
func refused[T any](is func(error) bool) func(T, error) *apierrors.StatusError {
	return func(value T, err error) *apierrors.StatusError {
		expect(err != nil && is(err), "not refused: %v, %v", value, err)
		status, ok := err.(*apierrors.StatusError)
		expect(ok, "no Status: %v", err)
		return status
	}
}

// eventually looks until it holds, with a pause that leaves the server room.
func eventually(what string, holds func() bool) {
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		expect(time.Now().Before(deadline), "not in time: %s", what)
	}
}

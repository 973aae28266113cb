// Command protobuf-fields writes the table by which apiserver/machinery/protobuf.ts reads Kubernetes' protobuf encoding:
// one line per message type, with each field's JSON name, number, presence and type. All of it is read from the struct tags
// of k8s.io/api, so a new Kubernetes version needs no more than another run:
//
//	go run ./protobuf-fields > ../../../apiserver/machinery/protobuf-fields.json
//
// With -samples DIR it writes objects in both encodings instead, for the decoder's test.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path"
	"reflect"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// kinds are the objects that clients may send us.
var kinds = map[string][]any{
	"v1": {
		corev1.Namespace{}, corev1.ConfigMap{}, corev1.Secret{}, corev1.Service{}, corev1.ServiceAccount{}, corev1.Pod{},
		corev1.PodTemplate{}, corev1.PersistentVolume{}, corev1.PersistentVolumeClaim{}, corev1.Event{},
	},
	"apps/v1":                      {appsv1.StatefulSet{}, appsv1.ControllerRevision{}},
	"autoscaling/v1":               {autoscalingv1.HorizontalPodAutoscaler{}, autoscalingv1.Scale{}},
	"autoscaling/v2":               {autoscalingv2.HorizontalPodAutoscaler{}},
	"batch/v1":                     {batchv1.Job{}},
	"coordination.k8s.io/v1":       {coordinationv1.Lease{}},
	"events.k8s.io/v1":             {eventsv1.Event{}},
	"rbac.authorization.k8s.io/v1": {rbacv1.Role{}, rbacv1.ClusterRole{}, rbacv1.RoleBinding{}, rbacv1.ClusterRoleBinding{}},
	"authorization.k8s.io/v1": {
		authorizationv1.SubjectAccessReview{}, authorizationv1.LocalSubjectAccessReview{},
		authorizationv1.SelfSubjectAccessReview{}, authorizationv1.SelfSubjectRulesReview{},
	},
	"authentication.k8s.io/v1": {
		authenticationv1.TokenReview{}, authenticationv1.SelfSubjectReview{}, authenticationv1.TokenRequest{},
	},
}

// options may carry any group's version.
var options = []any{
	metav1.DeleteOptions{}, metav1.CreateOptions{}, metav1.UpdateOptions{}, metav1.PatchOptions{},
}

// scalars are messages with a JSON form of their own.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():    "quantity",
	reflect.TypeFor[metav1.Time]():          "time",
	reflect.TypeFor[metav1.MicroTime]():     "microTime",
	reflect.TypeFor[intstr.IntOrString]():   "intOrString",
	reflect.TypeFor[runtime.RawExtension](): "json",
	reflect.TypeFor[metav1.FieldsV1]():      "json",
}

type table struct {
	messages map[string]string
}

func main() {
	samples := flag.String("samples", "", "write sample objects into this directory")
	flag.Parse()
	if *samples != "" {
		writeSamples(*samples)
		return
	}
	t := table{messages: map[string]string{}}
	var roots []string
	for groupVersion, objects := range kinds {
		for _, object := range objects {
			typ := reflect.TypeOf(object)
			roots = append(roots, fmt.Sprintf("%q: %q", groupVersion+"/"+typ.Name(), t.message(typ)))
		}
	}
	for _, object := range options {
		typ := reflect.TypeOf(object)
		roots = append(roots, fmt.Sprintf("%q: %q", typ.Name(), t.message(typ)))
	}
	sort.Strings(roots)
	var messages []string
	for name, fields := range t.messages {
		messages = append(messages, fmt.Sprintf("%q: %q", name, fields))
	}
	sort.Strings(messages)
	fmt.Printf("{\n  \"kinds\": {\n    %s\n  },\n  \"messages\": {\n    %s\n  }\n}\n",
		strings.Join(roots, ",\n    "), strings.Join(messages, ",\n    "))
}

// message adds a struct and all it mentions, and returns its name, such as core.Pod.
func (t table) message(typ reflect.Type) string {
	name := messageName(typ)
	if _, known := t.messages[name]; known {
		return name
	}
	t.messages[name] = "" // a message may contain itself
	var fields []string
	for i := range typ.NumField() {
		if text := t.field(typ.Field(i)); text != "" {
			fields = append(fields, text)
		}
	}
	t.messages[name] = strings.Join(fields, " ")
	return name
}

// messageName is the Go package's last part but the version, with the version unless it is v1, and the type's name.
func messageName(typ reflect.Type) string {
	version := path.Base(typ.PkgPath())
	group := path.Base(path.Dir(typ.PkgPath()))
	if version != "v1" {
		group += "." + version
	}
	return group + "." + typ.Name()
}

// field describes one field as NAME=NUMBER PRESENCE TYPE without the spaces; "..." instead of a name means that the
// message's fields belong to the outer object. Fields that are not encoded are "".
func (t table) field(field reflect.StructField) string {
	tag := field.Tag.Get("protobuf")
	if tag == "" || tag == "-" {
		return ""
	}
	number := strings.Split(tag, ",")[1]
	name, flags, _ := strings.Cut(field.Tag.Get("json"), ",")
	typ := field.Type
	presence := "!"
	switch {
	case typ.Kind() == reflect.Pointer:
		typ, presence = typ.Elem(), "*"
	case typ.Kind() == reflect.Struct && strings.Contains(flags, "omitzero"):
		presence = "?"
	case typ.Kind() != reflect.Struct && strings.Contains(flags, "omitempty"):
		presence = "?"
	}
	if name == "" {
		name = "..."
	}
	return name + "=" + number + presence + t.typeOf(typ)
}

func (t table) typeOf(typ reflect.Type) string {
	if scalar, ok := scalars[typ]; ok {
		return scalar
	}
	switch typ.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return "int"
	case reflect.Slice:
		switch {
		case typ.Elem().Kind() == reflect.Uint8:
			return "bytes"
		case typ.Name() != "" && typ.Elem().Kind() == reflect.String && hasMarshal(typ):
			return "stringList" // a message around the list
		}
		return "[]" + t.typeOf(typ.Elem())
	case reflect.Map:
		return "{}" + t.typeOf(typ.Elem())
	case reflect.Struct:
		return t.message(typ)
	}
	log.Fatalf("no encoding is known for %v", typ)
	return ""
}

func hasMarshal(typ reflect.Type) bool {
	_, ok := reflect.PointerTo(typ).MethodByName("MarshalToSizedBuffer")
	return ok
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func write(directory, name string, content []byte) {
	if err := os.WriteFile(path.Join(directory, name), content, 0o644); err != nil {
		log.Fatal(err)
	}
}

func asJSON(object any) []byte {
	return append(must(json.MarshalIndent(object, "", "  ")), '\n')
}

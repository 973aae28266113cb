// Command core-schemas writes the schemas of Kubernetes' own kinds as openapi/core reads them: what kube-apiserver publishes
// of them, from the same definitions that it compiles in (unlike the files below api/openapi-spec these have the enums), so a
// new Kubernetes version needs no more than another run:
//
//	go run -trimpath ./core-schemas > ../../../openapi/core/core-schemas.json
//
// One line per type. References are to the v3 components; they may have siblings, which OpenAPI v3 writes with allOf. Defaults
// that say what Go makes of an absent field (empty text, 0, false, an empty object) are left out: "required" says it better.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

const (
	refPrefix = "#/components/schemas/"
	meta      = "io.k8s.apimachinery.pkg.apis.meta.v1."
	source    = "definitions of k8s.io/kubernetes v1.37.2 pkg/generated/openapi, Apache License 2.0"
)

// group names a version and its kinds; each kind but the lonely ones has a list.
type group struct {
	group, version, pkg string
	kinds, lonely       []string
}

// groups are the kinds that a laptop's host serves; what they mention, our own kinds' pods included, comes along.
var groups = []group{
	{"", "v1", "io.k8s.api.core.v1.", []string{
		"Namespace", "ConfigMap", "Secret", "Service", "ServiceAccount", "Pod", "PodTemplate", "PersistentVolume", "PersistentVolumeClaim",
		"Event",
	}, nil},
	{"", "v1", meta, nil, []string{"Status", "DeleteOptions", "WatchEvent", "APIGroup", "APIResourceList"}},
	{"apps", "v1", "io.k8s.api.apps.v1.", []string{"StatefulSet", "ControllerRevision"}, nil},
	{"autoscaling", "v1", "io.k8s.api.autoscaling.v1.", []string{"HorizontalPodAutoscaler"}, []string{"Scale"}},
	{"autoscaling", "v2", "io.k8s.api.autoscaling.v2.", []string{"HorizontalPodAutoscaler"}, nil},
	{"batch", "v1", "io.k8s.api.batch.v1.", []string{"Job"}, nil},
	{"coordination.k8s.io", "v1", "io.k8s.api.coordination.v1.", []string{"Lease"}, nil},
	{"events.k8s.io", "v1", "io.k8s.api.events.v1.", []string{"Event"}, nil},
	{"rbac.authorization.k8s.io", "v1", "io.k8s.api.rbac.v1.", []string{
		"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding",
	}, nil},
	{"authorization.k8s.io", "v1", "io.k8s.api.authorization.v1.", nil, []string{
		"SubjectAccessReview", "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview",
	}},
	{"authentication.k8s.io", "v1", "io.k8s.api.authentication.v1.", nil, []string{
		"TokenReview", "SelfSubjectReview", "TokenRequest",
	}},
}

// loose are types that published documents mention without a kind's schema doing so.
var loose = []string{meta + "Patch"}

type schema = map[string]any

func main() {
	definitions := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(refPrefix + name) })
	found := map[string]schema{}
	for _, g := range groups {
		kinds := slices.Clone(g.lonely)
		for _, kind := range g.kinds {
			kinds = append(kinds, kind, kind+"List")
		}
		for _, kind := range kinds {
			add(found, definitions, g.pkg+kind)
			found[g.pkg+kind]["x-kubernetes-group-version-kind"] = []schema{{"group": g.group, "version": g.version, "kind": kind}}
		}
	}
	for _, name := range loose {
		add(found, definitions, name)
	}
	var names, lines []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, asJSON(name)+": "+asJSON(found[name]))
	}
	fmt.Fprintf(os.Stdout, "{\n  \"source\": %s,\n  \"schemas\": {\n    %s\n  }\n}\n", asJSON(source), strings.Join(lines, ",\n    "))
}

// add adds a type and all it mentions.
func add(found map[string]schema, definitions map[string]common.OpenAPIDefinition, name string) {
	if _, known := found[name]; known {
		return
	}
	definition, known := definitions[name]
	if !known {
		log.Fatalf("Kubernetes has no type %s", name)
	}
	text, err := json.Marshal(definition.Schema)
	if err != nil {
		log.Fatal(err)
	}
	var node schema
	if err := json.Unmarshal(text, &node); err != nil {
		log.Fatal(err)
	}
	found[name] = simplified(node, writtenByControllers.MatchString(name))
	for _, dependency := range definition.Dependencies {
		add(found, definitions, dependency)
	}
}

// writtenByControllers are types whose values are a report: kube-apiserver refuses none for being no member of an enum.
var writtenByControllers = regexp.MustCompile("(Status|Condition)$")

// kept are the members of a schema that say something about the value; the others are for other readers.
var kept = []string{
	"$ref", "type", "format", "description", "enum", "required", "properties", "items", "additionalProperties",
	"x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
	"x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy",
}

func simplified(node schema, open bool) schema {
	result := schema{}
	for _, name := range kept {
		if value, present := node[name]; present && !(name == "enum" && open) {
			result[name] = value
		}
	}
	if value, present := node["default"]; present {
		if isZero(value) {
			// No pointer and not left out when empty: Go has a value of it always.
			result["x-functionmesh-always"] = true
		} else {
			result["default"] = value
		}
	}
	// A map value or list item that is a reference with a default comes as allOf.
	if all, present := node["allOf"].([]any); present && len(all) == 1 {
		result["$ref"] = all[0].(schema)["$ref"]
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if child, present := result[name].(schema); present {
			result[name] = simplified(child, open)
		}
	}
	if properties, present := result["properties"].(schema); present {
		for name, child := range properties {
			properties[name] = simplified(child.(schema), open)
		}
	}
	return result
}

func isZero(value any) bool {
	if object, is := value.(schema); is {
		return len(object) == 0
	}
	return value == nil || reflect.ValueOf(value).IsZero()
}

// asJSON keeps <, > and & as they are: the file is read by people, too.
func asJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

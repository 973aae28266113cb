package main

import (
	"math"
	"reflect"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// maxDepth ends types that contain themselves and keeps samples small: what is deeper stays zero.
const maxDepth = 4

// writeSamples writes, for each kind, one object with every field set and one with none, in protobuf (.bin) and JSON.
func writeSamples(directory string) {
	scheme := runtime.NewScheme()
	codec := protobuf.NewSerializer(scheme, scheme)
	encode := func(name, groupVersion string, value any) {
		typ := reflect.TypeOf(value)
		for variant, depth := range map[string]int{"full": maxDepth, "empty": 0} {
			pointer := reflect.New(typ)
			fill(pointer.Elem(), depth, typ.Name())
			object := pointer.Interface().(runtime.Object)
			gv := must(schema.ParseGroupVersion(groupVersion))
			object.GetObjectKind().SetGroupVersionKind(gv.WithKind(typ.Name()))
			var wire strings.Builder
			if err := codec.Encode(object, &wire); err != nil {
				panic(err)
			}
			base := strings.ToLower(strings.ReplaceAll(name, "/", "_")) + "." + variant
			write(directory, base+".bin", []byte(wire.String()))
			write(directory, base+".json", asJSON(object))
		}
	}
	for groupVersion, objects := range kinds {
		for _, object := range objects {
			encode(groupVersion+"/"+reflect.TypeOf(object).Name(), groupVersion, object)
		}
	}
	for _, object := range options {
		encode(reflect.TypeOf(object).Name(), "v1", object)
	}
}

// specials have values that a generic filler would not find.
var specials = map[reflect.Type]any{
	reflect.TypeFor[resource.Quantity]():    resource.MustParse("1500m"),
	reflect.TypeFor[metav1.Time]():          metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	reflect.TypeFor[metav1.MicroTime]():     metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 67000, time.UTC)),
	reflect.TypeFor[intstr.IntOrString]():   intstr.FromString("http"),
	reflect.TypeFor[runtime.RawExtension](): runtime.RawExtension{Raw: []byte(`{"a":[1.0,9007199254740993]}`)},
	reflect.TypeFor[metav1.FieldsV1]():      metav1.FieldsV1{Raw: []byte(`{"f:spec":{".":{}}}`)},
}

func fill(value reflect.Value, depth int, name string) {
	if depth == 0 {
		return
	}
	if special, ok := specials[value.Type()]; ok {
		value.Set(reflect.ValueOf(special))
		return
	}
	switch value.Kind() {
	case reflect.String:
		value.SetString(name + " ü")
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int32:
		value.SetInt(-7)
	case reflect.Int64:
		value.SetInt(math.MaxInt64)
	case reflect.Uint8:
		value.SetUint(200)
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem(), depth-1, name)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		for i := range 2 {
			fill(value.Index(i), depth-1, name)
		}
	case reflect.Map:
		value.Set(reflect.MakeMap(value.Type()))
		element := reflect.New(value.Type().Elem()).Elem()
		fill(element, depth-1, name)
		value.SetMapIndex(reflect.ValueOf("key").Convert(value.Type().Key()), element)
	case reflect.Struct:
		for i := range value.NumField() {
			if field := value.Type().Field(i); field.IsExported() && field.Tag.Get("protobuf") != "" {
				fill(value.Field(i), depth-1, field.Name)
			}
		}
	}
}

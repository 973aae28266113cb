// Command clients does with Go's client libraries what their users do: `clients LIBRARY KUBECONFIG NAMESPACE`. It prints the
// name of each step as soon as that has passed, and ends with the trace of the first that does not.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
)

// libraries are the sessions there are, each a list of steps to be taken in order.
var libraries = map[string]func(*session) []step{
	"client-go":          clientGoSteps,
	"controller-runtime": controllerRuntimeSteps,
	"rolling":            rollingSteps,
}

type step struct {
	name string
	take func()
}

func main() {
	library, kubeconfig, namespace := os.Args[1], os.Args[2], os.Args[3]
	config := must(clientcmd.BuildConfigFromFlags("", kubeconfig))
	config.QPS, config.Burst = -1, -1
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, step := range libraries[library](newSession(ctx, config, namespace)) {
		step.take()
		fmt.Println(step.name)
	}
}

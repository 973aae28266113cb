//go:build tools

// Package tools pins Go's own example of an aggregated API server, which the benchmark runs beside ours.
package tools

import _ "k8s.io/sample-apiserver"

// Command specs runs Kubernetes' own end-to-end specs against any API server: the suite of the release without its wait
// for nodes. It takes the suite's and Ginkgo's flags; the specs to run are chosen by file and line or by their text.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"k8s.io/klog/v2"
	conformance "k8s.io/kubernetes/test/conformance/testdata"
	"k8s.io/kubernetes/test/e2e/common"
	"k8s.io/kubernetes/test/e2e/framework"
	"k8s.io/kubernetes/test/e2e/framework/config"
	"k8s.io/kubernetes/test/e2e/framework/testfiles"
	manifests "k8s.io/kubernetes/test/e2e/testing-manifests"
	fixtures "k8s.io/kubernetes/test/fixtures"

	_ "k8s.io/kubernetes/test/e2e/apimachinery"
	_ "k8s.io/kubernetes/test/e2e/apps"
	_ "k8s.io/kubernetes/test/e2e/auth"
	_ "k8s.io/kubernetes/test/e2e/instrumentation"
	_ "k8s.io/kubernetes/test/e2e/kubectl"
	_ "k8s.io/kubernetes/test/e2e/network"
	_ "k8s.io/kubernetes/test/e2e/node"
	_ "k8s.io/kubernetes/test/e2e/storage"
)

// verdict is what Ginkgo wants of a *testing.T; the report, not the exit code, tells the specs apart.
type verdict struct{ failed bool }

func (v *verdict) Fail() { v.failed = true }

// The suite's own set-up lists nodes and waits for system pods. Every process needs its second half: what that would
// have found out about the cluster.
var _ = ginkgo.SynchronizedBeforeSuite(
	func(context.Context) []byte {
		common.CurrentSuite = common.E2E
		return nil
	},
	func(context.Context, []byte) { framework.TestContext.IPFamily = "ipv4" },
)

func main() {
	config.CopyFlags(config.Flags, flag.CommandLine)
	framework.RegisterCommonFlags(flag.CommandLine)
	framework.RegisterClusterFlags(flag.CommandLine)
	flag.Parse()

	testfiles.AddFileSource(manifests.GetE2ETestingManifestsFS())
	testfiles.AddFileSource(fixtures.GetTestFixturesFS())
	testfiles.AddFileSource(conformance.GetConformanceTestdataFS())
	framework.AfterReadingAllFlags(&framework.TestContext)

	gomega.RegisterFailHandler(framework.Fail)
	klog.EnableContextualLogging(true)
	suite, reporter := framework.CreateGinkgoConfig()
	result := &verdict{}
	if !ginkgo.RunSpecs(result, "Kubernetes", suite, reporter) || result.failed {
		fmt.Fprintln(os.Stderr, "specs failed")
		os.Exit(1)
	}
}

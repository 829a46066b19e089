// Command sandbox runs a real Kubernetes control plane, nodes whose pods are
// local processes, and a sample application with traffic, on one machine,
// without containers and without root.
package main

import (
	"os"

	"github.com/runbackhq/runback/internal/sandbox/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}

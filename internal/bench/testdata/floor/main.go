// Command floor does nothing. It imports the packages that were fixed for this
// program and that it stands on, so its start is what the start of the program
// cannot be shorter than.
package main

import (
	_ "github.com/expr-lang/expr"
	_ "github.com/hashicorp/terraform-exec/tfexec"
	_ "github.com/jackc/pgx/v5"
	_ "github.com/spf13/cobra"
	_ "gopkg.in/yaml.v3"
	_ "k8s.io/api/apps/v1"
	_ "k8s.io/api/core/v1"
	_ "k8s.io/client-go/dynamic"
	_ "k8s.io/client-go/tools/clientcmd"
	_ "k8s.io/client-go/tools/portforward"
	_ "k8s.io/client-go/tools/remotecommand"
	_ "modernc.org/sqlite"
)

func main() {}

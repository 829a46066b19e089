package cli

import (
	"fmt"
	"os"

	"k8s.io/kubectl/pkg/cmd/util"
)

// kubectlExit prints an error as kubectl does and returns its exit code.
func kubectlExit(err error) int {
	code := exitFailed
	util.BehaviorOnFatal(func(message string, c int) {
		if message != "" {
			fmt.Fprintln(os.Stderr, message)
		}
		code = c
	})
	util.CheckErr(err)
	return code
}

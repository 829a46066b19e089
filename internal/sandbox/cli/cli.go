// Package cli is the command line of the sandbox.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
)

const usage = `sandbox runs a Kubernetes cluster of local processes, with an application and traffic.

  sandbox up --dir DIR [--scenario NAME]   start one and wait until it stands
  sandbox seed --dir DIR --scenario NAME --namespace NS
                                           the same release once more, in a namespace of its own
  sandbox down --dir DIR                   stop it and everything it started
  sandbox status --dir DIR [-o json]       what runs
  sandbox kubectl ...                      kubectl of the same version

"sandbox up -h" lists the options and scenarios.
`

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake in how we were called.
type usageError struct{ error }

// Main runs one command and returns the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	name, args := args[0], args[1:]
	var err error
	switch name {
	case "up":
		err = up(ctx, args, stdout)
	case "down":
		err = down(ctx, args, stdout)
	case "status":
		err = status(ctx, args, stdout)
	case "seed":
		err = seed(ctx, args, stdout)
	case "kubectl":
		return runKubectl(stop, args)
	case "supervise":
		err = superviseCommand(ctx, args)
	case "component":
		return component(ctx, stop, args, stderr)
	case "noop":
		return exitOK // see process.Detect
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return exitOK
	default:
		err = usageError{fmt.Errorf("unknown command %q; try sandbox help", name)}
	}
	return report(err, stderr)
}

func report(err error, stderr io.Writer) int {
	var wrong usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitUsage
	default:
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitFailed
	}
}

// runKubectl hands over to kubectl, which handles signals itself.
func runKubectl(stop func(), args []string) int {
	stop()
	// kubectl reads its own name and arguments from here
	os.Args = append([]string{"kubectl"}, args...)
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		return kubectlExit(err)
	}
	return exitOK
}

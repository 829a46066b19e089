// Command runback rolls back deployments by playbooks. See package cli.
package main

import (
	"context"
	"os"

	"github.com/runbackhq/runback/internal/cli"
)

func main() { os.Exit(cli.Main(context.Background())) }

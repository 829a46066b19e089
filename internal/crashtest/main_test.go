package crashtest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

var (
	long    = flag.Bool("crash.long", false, "the long form: every point")
	seed    = flag.Uint64("crash.seed", 20261124, "of every choice that is made at random")
	outFile = flag.String("crash.out", "", "file for the table of results, as JSON")
	strict  = flag.Bool("crash.strict", false, "fail for what is known to fall short, too (docs/reliability.md)")
	workers = flag.Int("crash.workers", 3, "executors at a time")
)

// TestMain is the executor when it is given a job, and the test otherwise.
func TestMain(m *testing.M) {
	if text := os.Getenv(jobVariable); text != "" {
		os.Exit(beExecutor(text))
	}
	flag.Parse()
	code := m.Run()
	if *outFile != "" {
		if err := results.write(*outFile); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

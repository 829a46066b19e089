package helm_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestMain stops the sandbox that the
// tests of the package share, if one of them needed it.
func TestMain(m *testing.M) {
	code := m.Run()
	lasting.end()
	os.Exit(code)
}

// sandbox is one for all tests of the package, each of which has a namespace of
// its own in it.
var sandbox = sync.OnceValue(func() *testcluster.Env {
	return testcluster.Up(lasting, "healthy", "--quiet", "--rate", "1", "--nodes", "1")
})

var lasting = &packageTB{}

// packageTB is a testing.TB that lives as long as the package's tests.
type packageTB struct {
	testing.TB
	cleanups []func()
}

func (p *packageTB) Helper()          {}
func (p *packageTB) Failed() bool     { return false }
func (p *packageTB) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

func (p *packageTB) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (p *packageTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (p *packageTB) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (p *packageTB) end() {
	for _, f := range p.cleanups {
		f()
	}
}

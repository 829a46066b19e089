package cli

import (
	"fmt"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/schema"
)

// compile finds and compiles a playbook. Its mistakes are printed with their
// lines, because they are many and the error line is one.
func (a *App) compile(arg string) (*executor.Program, error) {
	f, err := a.find(arg)
	if err != nil {
		return nil, err
	}
	return a.compileSource(f.src)
}

func (a *App) compileSource(src schema.Source) (*executor.Program, error) {
	_, registry, err := a.world()
	if err != nil {
		return nil, err
	}
	p, found := executor.Compile(src, registry)
	if len(found) > 0 {
		fmt.Fprint(a.Err, found.Render(src.Text))
		return nil, &exitError{code: exitInvalid, err: fmt.Errorf("%s: %s", src.File, count(len(found), "mistake", "mistakes"))}
	}
	return p, nil
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

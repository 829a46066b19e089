package terraform

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// Identify says which state a target names, as the keys of an identity. It
// reads the state and changes nothing. The lineage is "" where there is no state
// yet; one that is not the pinned one is refused.
func Identify(ctx context.Context, name string, t actions.TerraformTarget) (map[string]string, error) {
	// The program is only asked, so it is not hashed.
	s, err := open(t, func(name, dir string) (tool.Program, error) {
		path, err := tool.Where(name, dir)
		return tool.Program{Path: path}, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.supported(); err != nil {
		return nil, err
	}
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	var version string
	asked := make(chan error, 1)
	go func() {
		var err error
		version, err = s.version(ctx)
		asked <- err
	}()
	snap, err := s.pull(ctx)
	if e := <-asked; err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	if err := (made{site: s, snapshot: snap}).proves(); err != nil {
		return nil, err
	}
	of := func(field string) string { return "terraform." + name + "." + field }
	return map[string]string{
		of("dir"): s.Home, of("workspace"): s.Workspace, of("lineage"): snap.Lineage, of("backend"): s.backend().String(),
		of("program"): s.name() + " " + version,
	}, nil
}

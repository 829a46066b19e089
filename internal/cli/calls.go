package cli

import "github.com/runbackhq/runback/schema"

// withCalls adds the playbooks that a document runs as its steps, and those that
// they run. One that is not there is left out: the compiler says where it is
// named.
func (a *App) withCalls(src schema.Source) schema.Source {
	calls := map[string]schema.Source{}
	var add func(schema.Source)
	add = func(s schema.Source) {
		for _, name := range schema.Called(s) {
			if _, known := calls[name]; known {
				continue
			}
			for _, f := range a.library() {
				if f.name == name {
					calls[name] = f.src
					add(f.src)
				}
			}
		}
	}
	add(src)
	if len(calls) > 0 {
		src.Calls = calls
	}
	return src
}

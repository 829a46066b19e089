package alembic_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// secrets are the password as it might be written somewhere.
func secrets() []string {
	quoted, _ := json.Marshal(testpostgres.Password())
	return []string{
		testpostgres.Password(), strings.Trim(string(quoted), `"`), url.QueryEscape(testpostgres.Password()), url.PathEscape(testpostgres.Password()),
		strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(testpostgres.Password()),
	}
}

func (s *step) clean(what, text string) {
	s.t.Helper()
	for _, secret := range secrets() {
		if strings.Contains(text, secret) {
			s.t.Errorf("%s holds the password: %q", what, text)
		}
	}
}

// The password is in no process list, no file and nothing that is recorded.
func TestPasswordIsNowhere(t *testing.T) {
	s := slow(t, map[string]string{"WAIT": "1"})
	p, err := json.Marshal(s.preview())
	s.must(err)
	s.clean("the preview", string(p))
	s.clean("the state", string(s.state))
	s.left()
	for _, who := range []string{"child", "supervisor"} {
		for _, file := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.pid(who), file))
			s.must(err)
			s.clean(file+" of the "+who, string(b))
			if who == "child" && file == "environ" && (!strings.Contains(string(b), "PGPASSFILE=/proc/self/fd/5") || strings.Contains(string(b), passwordEnv) || strings.Contains(string(b), "PGPASSWORD")) {
				t.Errorf("%q", b)
			}
		}
	}
	s.write("go", "")
	s.wants(actions.Applied, "")
	out := s.done()
	s.clean("the outputs", fmt.Sprint(out))
	// One that fails shows its traceback.
	w := project(t, "linear").at("head")
	failing := w.downgrade("-1").prepare()
	w.sql("drop index orders_customer")
	_, err = failing.run(t.Context())
	if err == nil {
		t.Fatal("it ended well")
	}
	failing.clean("the error", err.Error())
	for _, top := range []string{s.children(), w.children(), s.dir, w.dir} {
		s.must(filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			s.clean(path, string(b))
			return err
		}))
	}
}

// A password that an error of env.py holds is not shown.
func TestErrorsAreHidden(t *testing.T) {
	w := project(t, "linear").at("head")
	w.write("env.py", "import re\nline = open('/proc/self/fd/5').read()\nraise RuntimeError('connecting with ' + re.sub(r'\\\\(.)', r'\\1', line.rstrip()[8:]))\n")
	s := w.downgrade("-1")
	err := s.try()
	if err == nil || !strings.Contains(err.Error(), "connecting with [password]") {
		t.Errorf("%v", err)
	}
}

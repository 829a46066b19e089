package pod

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Job is one attempt as it was announced. It is journaled before it is begun.
type Job struct {
	Ref
	Claim string `json:"claim"` // directory in the container, new for each attempt
}

// Announce makes a new attempt of the step with that key; dir is a folder of the
// container that can be written. A plan has no attempt: what it prepares is
// compared with the next plan.
func Announce(key string, at Ref, dir string) Job {
	if strings.HasPrefix(key, "plan/") {
		return Job{Ref: at}
	}
	return Job{Ref: at, Claim: strings.TrimSuffix(dir, "/") + "/.runback-" + strings.ToLower(rand.Text())}
}

// State is what is known of an attempt.
type State uint8

// The states. Lost: it was begun, is gone, and left no exit code.
const (
	NotStarted State = iota
	Running
	Exited
	Lost
)

// Errors of an attempt.
var (
	// ErrGone: the pod or the container in which it was is not there any more.
	ErrGone = errors.New("the container is not there any more")
	// ErrNoClaim: the folder for the claim cannot be written; nothing was run.
	ErrNoClaim = errors.New("the folder for the claim cannot be written")
)

// begin claims the first directory that is not void and starts the program
// behind it. Everything the program inherits is a file, its input too, so that no
// end of a connection reaches it; it is asked for by name afterwards.
const begin = `c=$1; shift; i=1
while :; do d=$c.$i
 if mkdir "$d" 2>/dev/null; then
  cat >"$d/in"
  ( trap '' HUP; "$@" >"$d/out" 2>"$d/err" <"$d/in" & k=$!; echo $k >"$d/child"
    wait $k; echo $? >"$d/rc.new"; mv "$d/rc.new" "$d/rc" ) >/dev/null 2>&1 </dev/null &
  echo $! >"$d/pid"; echo begun; exit 0
 fi
 [ -d "$d" ] || { echo unwritable; exit 0; }
 [ -e "$d/void" ] || { echo taken; exit 0; }
 i=$((i+1)); done`

// ask tells of the newest attempt that is not void; with void it voids the one
// that was not begun, so that nobody can begin it any more. Its answer is a line
// that begins with the mark, the directory, the sizes of the outputs, and their
// ends with the mark between them: what a program writes is never taken for it.
const ask = `c=$1; i=1
while :; do d=$c.$i
 if mkdir "$d" 2>/dev/null; then : >"$d/void"; echo "$2 none"; exit 0; fi
 [ -d "$d" ] || { echo "$2 unwritable"; exit 0; }
 [ -e "$d/void" ] || break
 i=$((i+1)); done
exited() { s="exited $(cat "$d/rc")"; if [ -e "$d/told" ]; then s="$s told"; fi; }
if [ -e "$d/rc" ]; then exited
elif [ -s "$d/pid" ] && kill -0 "$(cat "$d/pid")" 2>/dev/null; then s=running
elif [ -e "$d/rc" ]; then exited
else sleep 1; if [ -e "$d/rc" ]; then exited; elif [ -s "$d/pid" ] && kill -0 "$(cat "$d/pid")" 2>/dev/null; then s=running; else s=lost; fi; fi
size() { wc -c 2>/dev/null <"$1" || echo 0; }
echo "$2 $s"; echo "$d"; echo $(size "$d/out") $(size "$d/err")
tail -c "$3" "$d/out" 2>/dev/null; printf '\n%s\n' "$2"; tail -c "$4" "$d/err" 2>/dev/null`

// quit sends the program a signal, and leaves word before that it was told to end.
// One that ended by itself is left alone. It does not hear SIGINT: a shell without
// job control makes what it starts in the background ignore it (POSIX, 2.11). The
// word is written by true and not by a colon: where the disk is full, a shell ends
// when the redirection of a special built-in fails, and would send no signal (2.8.1).
const quit = `c=$1; i=1; while [ -e "$c.$i/void" ]; do i=$((i+1)); done; d=$c.$i
[ -e "$d/rc" ] || { true >"$d/told"; kill -"$2" "$(cat "$d/child")"; }`

// Do begins an attempt, or attaches to it, and waits for its end. When ctx ends
// first the program is stopped (SIGTERM, then SIGKILL), and Running comes
// with the cause if it does not.
func (c Client) Do(ctx context.Context, j Job, args []string, stdin []byte, wait func(context.Context, time.Duration) error) (State, Result, error) {
	if err := c.same(ctx, j.Ref); err != nil {
		return NotStarted, Result{}, err
	}
	r, err := c.Exec(ctx, j.Ref, append([]string{"sh", "-c", begin, "sh", j.Claim}, args...), stdin)
	if err != nil {
		return Lost, r, err // whether it was begun is for Look to find out
	}
	switch said := strings.TrimSpace(r.Stdout); said {
	case "begun", "taken":
	case "unwritable":
		return NotStarted, r, fmt.Errorf("%w: %s", ErrNoClaim, j.Claim)
	default:
		return NotStarted, r, fmt.Errorf("the program could not be begun: %s", firstOf(r.Stderr, said))
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		st, r, err := c.Look(ctx, j)
		if err != nil && ctx.Err() == nil || err == nil && st != Running {
			return st, r, err
		}
		if werr := wait(ctx, pause); werr != nil {
			return c.stop(context.WithoutCancel(ctx), j, wait, werr)
		}
	}
}

// How often it is looked after a signal whether the program ended, and the pause
// between two looks.
const (
	stopLooks = 10
	stopPause = 500 * time.Millisecond
)

// stopTime bounds stopping as a whole, whatever the connection does.
const stopTime = 15 * time.Second

func (c Client) stop(ctx context.Context, j Job, wait func(context.Context, time.Duration) error, why error) (State, Result, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	for _, signal := range []string{"TERM", "KILL"} {
		_, _ = c.Exec(ctx, j.Ref, []string{"sh", "-c", quit, "sh", j.Claim, signal}, nil) // the looks that follow tell
		for range stopLooks {
			st, r, err := c.Look(ctx, j)
			if err == nil && st != Running {
				return st, r, nil
			}
			if err := wait(ctx, stopPause); err != nil {
				break
			}
		}
	}
	return Running, Result{}, why
}

// Look says what became of an attempt. Where it was not begun it never can be
// any more.
func (c Client) Look(ctx context.Context, j Job) (State, Result, error) {
	if err := c.same(ctx, j.Ref); err != nil {
		return Lost, Result{}, err
	}
	mark, most := "runback-"+rand.Text(), cmp.Or(c.Most, DefaultMost)
	roomy := c
	roomy.Most = most + DefaultMost + len(j.Claim) + 4<<10 // all of the answer
	r, err := roomy.Exec(ctx, j.Ref, []string{"sh", "-c", ask, "sh", j.Claim, mark, strconv.Itoa(most), strconv.Itoa(DefaultMost)}, nil)
	if err != nil {
		if gone := c.same(ctx, j.Ref); errors.Is(gone, ErrGone) {
			err = gone // it went while it was asked
		}
		return Lost, r, err
	}
	said, rest, _ := strings.Cut(r.Stdout, "\n")
	said, told := strings.CutPrefix(said, mark+" ")
	if !told {
		return Lost, r, fmt.Errorf("the answer about the attempt cannot be read: %s", firstOf(r.Stderr, said))
	}
	word, code, _ := strings.Cut(said, " ")
	switch word {
	case "none":
		return NotStarted, Result{}, nil
	case "running":
		return Running, attempt(rest, mark, most), nil
	case "lost":
		return Lost, attempt(rest, mark, most), nil
	case "exited":
		out := attempt(rest, mark, most)
		code, out.Told = strings.CutSuffix(code, " told")
		out.Code, err = strconv.Atoi(strings.TrimSpace(code))
		return Exited, out, err
	default:
		return Lost, r, fmt.Errorf("%w: %s", ErrNoClaim, firstOf(r.Stderr, said))
	}
}

// attempt reads what ask tells of an attempt behind its first line.
func attempt(text, mark string, most int) Result {
	claim, rest, _ := strings.Cut(text, "\n")
	sizes, rest, _ := strings.Cut(rest, "\n")
	stdout, stderr, _ := strings.Cut(rest, "\n"+mark+"\n")
	var wrote, complained int
	_, err := fmt.Sscan(sizes, &wrote, &complained)
	return Result{Stdout: stdout, Stderr: stderr, Claim: claim, Cut: err != nil || wrote > most || complained > DefaultMost}
}

// giveUp voids the newest attempt, so that another one may be begun in its place.
const giveUp = `c=$1; i=1; while [ -e "$c.$i/void" ]; do i=$((i+1)); done; : >"$c.$i/void"`

// GiveUp says of an attempt that was lost or told to end that it took no effect, or
// that twice does no harm: the next Do begins it anew.
func (c Client) GiveUp(ctx context.Context, j Job) error {
	r, err := c.Exec(ctx, j.Ref, []string{"sh", "-c", giveUp, "sh", j.Claim}, nil)
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("%w: %s", ErrNoClaim, firstOf(r.Stderr))
	}
	return err
}

// same proves that the container is still in the life in which it was found.
func (c Client) same(ctx context.Context, at Ref) error {
	p, err := c.API.Pods(c.Namespace).Get(ctx, at.Pod)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: pod %s", ErrGone, at.Pod)
	}
	if err != nil {
		return err
	}
	if string(p.UID) != at.UID {
		return fmt.Errorf("%w: pod %s is another one", ErrGone, at.Pod)
	}
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == at.Container && s.ContainerID == at.ContainerID && s.State.Running != nil {
			return nil
		}
	}
	return fmt.Errorf("%w: container %s of pod %s was started anew or ended", ErrGone, at.Container, at.Pod)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return "no word"
}

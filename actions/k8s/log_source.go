package k8s

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
)

// logSource is one log: of a container of a pod, now or in the run before.
type logSource struct {
	pod   *corev1.Pod
	entry logEntry
	lines *lines
}

func (in logsIn) sources(pods []corev1.Pod) []*logSource {
	var out []*logSource
	for i := range pods {
		p := &pods[i]
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			if in.Container != "" && c.Name != in.Container {
				continue
			}
			n := restartsOf(p, c.Name)
			now := logEntry{
				Pod: p.Name, UID: string(p.UID), Node: p.Spec.NodeName, Container: c.Name, Restarts: n,
				Hash: p.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
			}
			// The run that died says more than the one that just began.
			if in.Previous && n > 0 {
				before := now
				before.Previous = true
				out = append(out, &logSource{pod: p, entry: before})
			}
			out = append(out, &logSource{pod: p, entry: now})
		}
	}
	return out
}

func restartsOf(p *corev1.Pod, container string) int {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.Name == container {
			return int(s.RestartCount)
		}
	}
	return 0
}

// troubledFirst puts those first whose logs are worth most: a bounded number
// of pods is read.
func troubledFirst(pods []corev1.Pod) {
	trouble := func(p *corev1.Pod) int {
		n := restarts(p)
		if !ready(p) {
			n += 1000
		}
		return n
	}
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int {
		if d := trouble(&b) - trouble(&a); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// read fetches the log. A log comes from the node and not from the API server,
// so one that cannot be had is noted and the others are read all the same.
func (s *logSource) read(ctx context.Context, cl *Cluster, in logsIn, room int) {
	stream, err := cl.API.Pods(cl.Namespace).Log(s.pod.Name).Param("container", s.entry.Container).
		Param("previous", strconv.FormatBool(s.entry.Previous)).Param("tailLines", strconv.Itoa(in.Tail)).Stream(ctx)
	if err != nil {
		s.entry.Error = explain(ctx, err, "reading the log").Error()
		return
	}
	defer func() { _ = stream.Close() }()
	s.lines = &lines{r: stream, with: in.Contains}
	text, cut, err := lastBytes(s.lines, room)
	s.entry.Text, s.entry.Truncated = text, cut
	if err != nil {
		s.entry.Error = actions.Cause(ctx, err).Error()
	}
}

// lastBytes reads to the end and keeps what fits of it, in whole lines.
func lastBytes(r io.Reader, room int) (text string, cut bool, err error) {
	buf := make([]byte, 0, 2*room)
	chunk := make([]byte, 4096)
	for {
		n, err := r.Read(chunk)
		buf = append(buf, chunk[:n]...)
		if len(buf) > 2*room {
			buf, cut = append(buf[:0], buf[len(buf)-room:]...), true
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return clip(buf, room, cut), cut || len(buf) > room, err
		}
	}
	return clip(buf, room, cut), cut || len(buf) > room, nil
}

func clip(buf []byte, room int, cut bool) string {
	if len(buf) > room {
		buf, cut = buf[len(buf)-room:], true
	}
	text := string(buf)
	if _, rest, found := strings.Cut(text, "\n"); cut && found && rest != "" {
		text = rest // the first line lost its beginning
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}

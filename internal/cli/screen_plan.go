package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/guard"
)

// planScreen prints a plan: what it is about, each step with its effect, what
// it adds up to, and how to run it.
func (a *App) planScreen(p *executor.Plan, runWith string) {
	st := a.style(a.OutTTY)
	w := a.Out
	if a.flags.quiet {
		a.planTotals(st, p, runWith)
		return
	}
	fmt.Fprintf(w, "%s %s %s  %s\n", st.bold("PLAN"), st.bold(p.Playbook), p.Version, p.Title)
	fmt.Fprintln(w, st.dim(fmt.Sprintf("     %s %s", p.File, shortDigest(p.Digest))))
	for _, t := range parts(p.Identity) {
		if t.kind == "cluster" {
			fmt.Fprintf(w, "     cluster   %s  %s\n", st.bold(p.Identity["context"]), p.Identity["server"])
			fmt.Fprintf(w, "               %s\n", st.dim(t.pin(p.Identity)))
			fmt.Fprintf(w, "     namespace %s  as %s\n", st.bold(p.Identity["namespace"]), p.Identity["user"])
			continue
		}
		fmt.Fprintf(w, "     %-9s %s  %s\n", t.kind, st.bold(t.name), wrapWords([]string{t.where, t.as}, a.Width-15, 15))
		fmt.Fprintf(w, "               %s\n", st.dim(t.pin(p.Identity)))
	}
	if len(p.Inputs) > 0 {
		fmt.Fprintf(w, "     inputs    %s\n", wrapWords(inputWords(p.Inputs), a.Width-15, 15))
	}
	fmt.Fprintf(w, "     budget    %s\n\n", p.Budget)
	if p.Lock != "" {
		a.wrapped("  ", st.warn("! ")+p.Lock)
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, st.dim("  ~ changes  ! destroys  ○ looks  – skipped  ? not known yet  ✖ stops"))
	section, number := "steps", 0
	for _, s := range p.Steps {
		if s.Section != section {
			section = s.Section
			fmt.Fprintf(w, "\n  %s\n", st.bold(sectionTitle(section)))
		}
		if s.Uses != "" {
			number++
		}
		a.planStep(st, s, number)
	}
	a.planTotals(st, p, runWith)
}

func inputWords(in map[string]any) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if v := fmt.Sprint(in[k]); v != "" {
			out = append(out, k+"="+v)
		}
	}
	return out
}

func wrapWords(words []string, width, indent int) string {
	var b strings.Builder
	col := 0
	for _, w := range words {
		if col > 0 && col+len(w)+1 > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			col = 0
		} else if col > 0 {
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += len(w)
	}
	return b.String()
}

func shortDigest(d string) string {
	if len(d) > 19 {
		return d[:19]
	}
	return d
}

func (a *App) planStep(st style, s executor.Planned, number int) {
	indent := strings.Repeat("  ", s.Depth)
	label := s.Name
	if label == "" {
		label = s.ID
	}
	if s.Uses == "" {
		fmt.Fprintf(a.Out, "  %s   %s %s\n", indent, st.bold(label), st.dim(string(decisionWord(s))))
	} else {
		head := fmt.Sprintf("%2d %s%s %s", number, indent, a.sign(st, s), st.bold(label))
		pad := strings.Repeat(" ", max(46-len([]rune(label))-len(indent), 1))
		fmt.Fprintf(a.Out, "  %s%s%s\n", head, pad, st.info(s.Uses))
	}
	in := "  " + indent + "     "
	say := func(text string) { a.wrapped(in, text) }
	if s.Guard != nil {
		say(st.dim("when ") + guardLine(*s.Guard))
	}
	if s.Reason != "" && s.Decision == executor.WouldStop {
		say(st.bad("refused: ") + s.Reason)
	} else if s.Reason != "" {
		say(st.warn(s.Reason))
	}
	if s.Hint != "" {
		say(st.dim("hint: ") + s.Hint)
	}
	if s.Preview != nil && s.Decision != executor.WillSkip {
		a.planPreview(st, in, s)
	}
	if len(s.Outputs) > 0 {
		say(st.dim("now: ") + cmp.Or(s.Told, facts(s.Outputs)))
	}
	for _, j := range s.Expect {
		mark := st.good("✔")
		if j.Truth != guard.True {
			mark = st.bad("✖")
		}
		say(mark + " expects " + j.Source)
	}
	if s.Verify != nil && s.Decision != executor.WillSkip {
		say(st.dim("then ") + fmt.Sprintf("%s must hold for %s within %s", s.Verify.Until.Source, s.Verify.For, s.Verify.Within))
	}
}

func guardLine(j guard.Judgement) string {
	switch j.Truth {
	case guard.True:
		return j.Source + " → yes" + inBrackets(j.Seen())
	case guard.False:
		return j.Source + " → no" + inBrackets(j.Seen())
	default:
		return j.Source + " → not known yet: " + strings.Join(j.Missing, ", ")
	}
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func (a *App) planPreview(st style, in string, s executor.Planned) {
	p := s.Preview
	label := st.dim("[" + string(p.Label) + "]")
	line := p.Summary
	if p.Object != "" {
		line = st.bold(p.Object) + "  " + line
	}
	a.wrapped(in, line+" "+label)
	for _, c := range p.Changes {
		a.planChange(st, in+"  ", c)
	}
	for _, r := range p.Adversaries {
		a.wrapped(in, st.bad("! "+rivalWord(r))+r.Effect)
		if r.Remedy != "" {
			a.wrapped(in+"  ", r.Remedy)
		}
	}
	for _, n := range p.Notes {
		a.wrapped(in, st.dim("· "+n))
	}
	for _, n := range p.Assumes {
		a.wrapped(in, st.dim("· assumes: "+n))
	}
	if s.Undo != "" && s.Undo != "yes" {
		a.wrapped(in, st.warn("‼ cannot be undone: ")+s.Undo)
	}
}

// rivalWord says who will fight what. The kind of the object is left out where
// it is the name of the controller.
func rivalWord(r actions.Adversary) string {
	object := r.Object
	if kind, name, ok := strings.Cut(object, "/"); ok && strings.EqualFold(kind, r.Controller) {
		object = name
	}
	if len(r.Fights) == 0 {
		return r.Controller + " " + object + " may change it back: "
	}
	fields := strings.Join(r.Fights[:min(len(r.Fights), 3)], ", ")
	if more := len(r.Fights) - 3; more > 0 {
		fields += fmt.Sprintf(" and %d more", more)
	}
	return r.Controller + " " + object + " will fight " + fields + ": "
}

func (a *App) planChange(st style, in string, c actions.FieldChange) {
	path := c.Path
	if c.Object != "" {
		path = c.Object + " " + path
	}
	sign := st.warn("~")
	switch {
	case c.Before == nil:
		sign = st.good("+")
	case c.After == nil:
		sign = st.bad("-")
	}
	fmt.Fprintf(a.Out, "%s%s %s: %s → %s\n", in, sign, path, valueWord(c.Before), valueWord(c.After))
}

func (a *App) sign(st style, s executor.Planned) string {
	switch {
	case s.Decision == executor.WouldStop:
		return st.bad("✖")
	case s.Decision == executor.WillSkip, s.Decision == executor.NoReach:
		return st.dim("–")
	case s.Decision == executor.Later:
		return st.warn("?")
	case s.Effect == actions.Destroy.String():
		return st.bad("!")
	case s.Effect == actions.Change.String():
		return st.warn("~")
	default:
		return st.dim("○")
	}
}

func decisionWord(s executor.Planned) executor.Decision {
	if s.Decision == executor.WillRun {
		return ""
	}
	return s.Decision
}

func (a *App) planTotals(st style, p *executor.Plan, runWith string) {
	steps, skipped, fixed := 0, 0, 0
	for _, s := range p.Steps {
		if s.Uses == "" || s.Section == "rescue" {
			continue
		}
		steps++
		if s.Decision == executor.WillSkip {
			skipped++
		}
		if s.Undo != "" && s.Undo != "yes" && s.Decision != executor.WillSkip {
			fixed++
		}
	}
	if !a.flags.quiet {
		fmt.Fprintln(a.Out)
	}
	if p.Refused != "" {
		fmt.Fprintf(a.Out, "%s a run would be refused at step %s. Nothing would be changed.\n", st.bad("REFUSED"), p.Refused)
		return
	}
	changes := p.Changes()
	if changes == 0 {
		fmt.Fprintf(a.Out, "%s Nothing would be changed.\n", st.good("Plan:"))
		return
	}
	line := fmt.Sprintf("%s, %s something, %d skipped", count(steps, "step", "steps"), count(changes, "may change", "may change"), skipped)
	if fixed > 0 {
		line += fmt.Sprintf(", %s", st.warn(fmt.Sprintf("%d cannot be undone", fixed)))
	}
	a.wrapped("", fmt.Sprintf("%s %s; budget %s. Nothing was changed by this plan.", st.bold("Plan:"), line, p.Budget))
	fmt.Fprintf(a.Out, "Run it: %s\n", st.info(runWith))
}

// runCommand is the exact command that runs what was planned.
func (a *App) runCommand(arg string, sets []string) string {
	cmd := a.command("run " + arg)
	for _, f := range []struct{ flag, value string }{{"--kubeconfig", a.flags.kubeconfig}, {"--context", a.flags.context}, {"--namespace", a.flags.namespace}} {
		if f.value != "" {
			cmd += " " + f.flag + " " + quote(f.value)
		}
	}
	for _, s := range sets {
		cmd += " --set " + quote(s)
	}
	return cmd + ` --reason "..."`
}

// quote makes a word safe to paste into a shell.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("=:/.-_,@+%", r) && !isWord(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

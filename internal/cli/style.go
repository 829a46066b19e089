package cli

// style colours words. Colour never carries meaning alone: every state also
// has its own sign and word.
type style struct{ on bool }

// style decides by the usual order: flag, NO_COLOR (any non-empty value, as
// no-color.org says), FORCE_COLOR, terminal.
func (a *App) style(tty bool) style {
	switch {
	case a.flags.noColor || a.Env("NO_COLOR") != "" || a.Env("TERM") == "dumb":
		return style{false}
	case a.Env("FORCE_COLOR") != "":
		return style{true}
	default:
		return style{tty}
	}
}

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(t string) string { return s.paint("1", t) }
func (s style) dim(t string) string  { return s.paint("2", t) }
func (s style) good(t string) string { return s.paint("32", t) }
func (s style) warn(t string) string { return s.paint("33", t) }
func (s style) bad(t string) string  { return s.paint("1;31", t) }
func (s style) info(t string) string { return s.paint("36", t) }

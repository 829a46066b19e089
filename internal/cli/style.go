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
	if !s.on || text == "" || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// The colours, as terminals number them.
const (
	boldCode = "1"
	dimCode  = "2"
	goodCode = "32"
	warnCode = "33"
	badCode  = "1;31"
	infoCode = "36"
)

func (s style) bold(t string) string { return s.paint(boldCode, t) }
func (s style) dim(t string) string  { return s.paint(dimCode, t) }
func (s style) good(t string) string { return s.paint(goodCode, t) }
func (s style) warn(t string) string { return s.paint(warnCode, t) }
func (s style) bad(t string) string  { return s.paint(badCode, t) }
func (s style) info(t string) string { return s.paint(infoCode, t) }

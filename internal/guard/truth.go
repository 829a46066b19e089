package guard

// Truth is the value of a guard.
type Truth uint8

// The three values.
const (
	Unknown Truth = iota
	False
	True
)

// String names the value.
func (t Truth) String() string { return [...]string{"unknown", "false", "true"}[t] }

// MarshalText writes the name.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the name; anything else is Unknown.
func (t *Truth) UnmarshalText(b []byte) error {
	*t = map[string]Truth{"true": True, "false": False}[string(b)]
	return nil
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	default:
		return Unknown
	}
}

func (t Truth) and(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == True && u == True:
		return True
	default:
		return Unknown
	}
}

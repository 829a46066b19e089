package guard

// CompileCondition compiles a condition for a place that takes an unknown: its
// value is true, false or nil, judged in three values as a guard is, and never
// missing.
func CompileCondition(source string, env Env) (*Value, error) {
	g, err := Compile(source, env)
	if err != nil {
		return nil, err
	}
	return &Value{source: source, condition: g}, nil
}

// decide gives a condition as a value.
func (g *Guard) decide(scope map[string]any) (any, []string, error) {
	j, err := g.Eval(scope)
	if err != nil || j.Truth == Unknown {
		return nil, nil, err
	}
	return j.Truth == True, nil, nil
}

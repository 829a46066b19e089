package postgres

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// value turns the text of the server into what expressions can use: numbers,
// truth values, text. Times become RFC 3339 in UTC, which sort as text; lengths
// of time become seconds; JSON becomes its value. The rest stays as it is written.
func value(raw []byte, oid uint32) any {
	if raw == nil {
		return nil
	}
	s := string(raw)
	switch oid {
	case pgtype.BoolOID:
		return s == "t"
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.NumericOID, pgtype.Float4OID, pgtype.Float8OID:
		return number(s)
	case pgtype.TimestamptzOID:
		return moment(s, "2006-01-02 15:04:05.999999999-07")
	case pgtype.TimestampOID:
		return moment(s, "2006-01-02 15:04:05.999999999")
	case pgtype.IntervalOID:
		return seconds(raw)
	case pgtype.JSONOID, pgtype.JSONBOID:
		var v any
		if json.Unmarshal(raw, &v) == nil {
			return v
		}
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// number gives a whole number as such. What is no number (NaN, Infinity) is
// unknown, and one that a float would falsify stays text.
func number(s string) any {
	if i, err := strconv.Atoi(s); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil, math.IsNaN(f), math.IsInf(f, 0):
		return nil
	case f == math.Trunc(f) && math.Abs(f) >= 1<<53:
		return s
	case f == math.Trunc(f):
		return int(f) // 5.00 is 5
	}
	return f
}

func moment(s, layout string) any {
	t, err := time.Parse(layout, s)
	if err != nil { // infinity, BC, a zone with minutes
		if t, err = time.Parse(layout+":00", s); err != nil {
			return s
		}
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// seconds counts a month as 30 days, as the server does when it compares.
func seconds(raw []byte) any {
	var v pgtype.Interval
	if err := v.Scan(string(raw)); err != nil {
		return string(raw)
	}
	whole := int64(v.Months)*30*86400 + int64(v.Days)*86400
	return number(strconv.FormatFloat(float64(whole)+float64(v.Microseconds)/1e6, 'f', -1, 64))
}

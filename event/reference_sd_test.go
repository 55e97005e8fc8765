package event

import "regexp"

var (
	sdElement = regexp.MustCompile(`^\[([!#-<>-\\^-~]+)((?: [!#-<>-\\^-~]+=(?:"(?:[^"\\]|\\(?s:.))*"|[^" \]][^ \]]*|))*)\]`)
	sdPair    = regexp.MustCompile(`(?s) ([!#-<>-\\^-~]+)=("(?:[^"\\]|\\.)*"|[^ \]]*)`)
	sdEscape  = regexp.MustCompile(`\\(["\\\]])`)
)

// referenceSD takes structured data apart with regular expressions, or keeps it whole.
func referenceSD(sd string) any {
	if sd == "" || sd == "-" {
		return nil
	}
	whole := object{"raw": text(sd)}
	elements := object{}
	n := 0
	for rest := sd; rest != ""; n++ {
		m := sdElement.FindStringSubmatch(rest)
		if m == nil || elements[m[1]] != nil || n == maxSD {
			return whole
		}
		rest = rest[len(m[0]):]
		element := object{}
		elements[m[1]] = element
		pairs := sdPair.FindAllStringSubmatch(m[2], -1)
		if len(pairs) > maxSD {
			return whole
		}
		for _, p := range pairs {
			v := p[2]
			if v != "" && v[0] == '"' {
				v = v[1 : len(v)-1]
			}
			v = text(sdEscape.ReplaceAllString(v, "$1"))
			switch earlier := element[p[1]].(type) {
			case nil:
				element[p[1]] = v
			case string:
				element[p[1]] = []any{earlier, v}
			case []any:
				element[p[1]] = append(earlier, v)
			}
		}
	}
	return elements
}

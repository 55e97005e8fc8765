package configs

import _ "embed"

// Reference is a configuration file with every key, its meaning and its default.
//
//go:embed reference.yaml
var Reference string

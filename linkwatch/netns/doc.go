// Package netns gives a test a network namespace of its own. Only tests import it.
package netns

// Package spool is the record log: durable bytes in order, numbered, read by cursors. It knows
// nothing of what a record means.
package spool

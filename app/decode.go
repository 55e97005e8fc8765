package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/group"
	"vswarden/receiver"
)

// DecodeOptions is what `vswarden decode` is told.
type DecodeOptions struct {
	Files    []string // "-" is Stdin; none is Stdin
	Detail   event.Detail
	Original event.Original
	Location *time.Location // of BSD stamps; nil = UTC
	Year     int            // of BSD stamps; 0 = the year of the last full stamp, else 1970
	Host     string         // host.name where the header gives none
	Pretty   bool
	NoGroup  bool // one event for each line
	Stats    bool // a table of lines by format and dataset on Stderr
	Table    bool // the table is for people, not tab-separated
	Terminal bool // Stdout is a terminal: control characters are escaped

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Bounds of what decode reads. A gzip file may not expand without end.
const (
	decodeMaxLine  = 16 << 20 // bytes; the rest of a longer line is cut, with tag _truncated
	gzipMaxSize    = 16 << 30 // bytes out
	gzipMaxRatio   = 250      // bytes out per byte in; logs come to about 10 to 60
	gzipRatioFloor = 64 << 20 // the ratio is looked at from this many bytes on
)

var errGzipBomb = errors.New("expands beyond all measure (more than 16 GiB, or 250 bytes from one)")

// Decode writes the events that the lines of the files make. It is a pure function of its input: no
// clock, no memory of other runs.
func Decode(ctx context.Context, o DecodeOptions) error {
	if len(o.Files) == 0 {
		o.Files = []string{"-"}
	}
	out := bufio.NewWriterSize(o.Stdout, 256<<10)
	d := &fileDecoder{o: o, out: out, year: 1970, formats: map[string]uint64{}, datasets: map[string]uint64{}, senders: map[string]*group.Sender{}}
	g := group.DefaultConfig().Options()
	if g.Patient = true; o.NoGroup {
		g.Wait = 0
	}
	d.stage = group.NewStage(g)
	for _, name := range o.Files {
		if err := d.file(ctx, name); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	if o.Stats {
		return d.stats()
	}
	return nil
}

type fileDecoder struct {
	o     DecodeOptions
	out   *bufio.Writer
	stage *group.Stage
	json  []byte

	senders map[string]*group.Sender // by the header's host
	last    *group.Sender            // of the line before, in this file

	previous int64 // time of the line before
	stamped  bool  // previous is set
	year     int   // of the last full stamp

	lines, empty, events, grouped uint64
	formats, datasets             map[string]uint64
}

func (d *fileDecoder) file(ctx context.Context, name string) error {
	d.previous, d.stamped = 0, false
	err := eachLine(ctx, name, d.o.Stdin, d.line)
	d.stage.Flush() // no event goes on in another file
	d.last = nil
	return errors.Join(err, d.drain())
}

// eachLine calls do for each line of a file, plain or gzip, with its place; - is stdin.
func eachLine(ctx context.Context, name string, stdin io.Reader, do func(name string, offset int64, line []byte, truncated bool) error) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err // it says open, the name and why
		}
		defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
		in = f
	}
	r := bufio.NewReaderSize(in, 256<<10)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		counted := &countingReader{r: r}
		z, err := gzip.NewReader(counted)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		r = bufio.NewReaderSize(&boundedGzip{z: z, in: counted}, 256<<10)
	}
	if err := readLines(ctx, name, r, do); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	return nil
}

// readLines takes lines off r. Lines end at LF or CRLF; the last one needs no end.
func readLines(ctx context.Context, name string, r *bufio.Reader, do func(name string, offset int64, line []byte, truncated bool) error) error {
	var long []byte
	for offset := int64(0); ; {
		line, err := r.ReadSlice('\n')
		size, truncated := int64(len(line)), false
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = r.ReadSlice('\n')
				size += int64(len(line))
				room := min(len(line), decodeMaxLine-len(long))
				truncated = truncated || room < len(line)
				long = append(long, line[:room]...)
			}
			line = long
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if size > 0 {
			if werr := do(name, offset, line, truncated); werr != nil {
				return werr
			}
		}
		if err != nil || ctx.Err() != nil {
			return ctx.Err()
		}
		offset += size
	}
}

func (d *fileDecoder) line(name string, offset int64, line []byte, truncated bool) error {
	d.lines++
	line = bytes.TrimSuffix(line, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) == 0 {
		d.empty++
		if d.last != nil {
			d.stage.Blank(d.last)
		}
		return d.drain()
	}
	it := d.stage.New()
	e := &it.Event
	e.ID = lineID(name, offset, line)
	e.Raw = string(receiver.StripOctetCount(line))
	e.Receiver = event.Receiver{Transport: receiver.File.String(), Framing: receiver.FileLine.String()}
	if truncated {
		it.Base = event.TagTruncated
		e.Tags |= event.TagTruncated
	}
	year := d.o.Year
	if year == 0 {
		year = d.year
	}
	it.Options = decode.Options{Location: d.o.Location, Year: year, File: true}
	decode.Line(e, &it.Options)
	d.time(e)
	if e.Host == "" {
		e.Host = d.o.Host
	}
	if d.o.Stats {
		d.formats[string(e.Format)]++
	}
	it.Pos, it.Stamp, it.Stream, it.Sender = d.lines, e.Time, true, d.sender(e)
	d.stage.Add(it)
	return d.drain()
}

// sender is whose line it is: of the host in its header, or, without one, of the line before.
func (d *fileDecoder) sender(e *event.Event) *group.Sender {
	if e.Syslog.Hostname == "" && e.Format == event.FormatRaw && d.last != nil && !d.last.Gone() {
		return d.last
	}
	host := strings.ToLower(e.Syslog.Hostname)
	snd := d.senders[host]
	if snd == nil || snd.Gone() {
		maps.DeleteFunc(d.senders, func(_ string, s *group.Sender) bool { return s.Gone() })
		snd = d.stage.Sender(strings.Clone(host))
		d.senders[snd.Key] = snd
	}
	d.last = snd
	return snd
}

// drain writes the events that are complete.
func (d *fileDecoder) drain() error {
	for it := d.stage.Next(); it != nil; it = d.stage.Next() {
		d.stage.Finish(it)
		d.grouped += uint64(it.Lines() - 1)
		if err := d.write(&it.Event); err != nil {
			return err
		}
		d.stage.Free(it)
	}
	return nil
}

// time gives a line without a usable stamp the time of the line before, and remembers a full stamp's
// year, where BSD stamps are from, for those that follow (which have that year, so they change nothing).
func (d *fileDecoder) time(e *event.Event) {
	switch {
	case e.TimeSource == event.TimeHeader:
		d.previous, d.stamped = e.Time, true
		d.year = time.Unix(0, e.Time).In(d.zone()).Year()
	case d.stamped:
		e.Time, e.TimeSource = d.previous, event.TimePrevious
	default:
		e.Time, e.TimeSource = 0, event.TimeNone
	}
}

// zone is where stamps without one are from.
func (d *fileDecoder) zone() *time.Location {
	if d.o.Location != nil {
		return d.o.Location
	}
	return time.UTC
}

func (d *fileDecoder) write(e *event.Event) error {
	d.events++
	if d.o.Stats {
		d.datasets[string(e.Dataset)]++
	}
	d.json = e.AppendJSON(d.json[:0], d.o.Detail, d.o.Original)
	if d.o.Pretty {
		var b bytes.Buffer
		if err := jsonIndent(&b, d.json); err != nil {
			return err
		}
		d.json = b.Bytes()
	}
	if d.o.Terminal {
		d.json = escapeControl(d.json)
	}
	d.json = append(d.json, '\n')
	if _, err := d.out.Write(d.json); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// stats prints lines by format and events by dataset: lines in = empty + events + grouped, and the
// formats are of all lines but the empty ones.
func (d *fileDecoder) stats() error {
	w := d.o.Stderr
	var tw *tabwriter.Writer
	if d.o.Table {
		tw = tabwriter.NewWriter(d.o.Stderr, 0, 4, 2, ' ', 0)
		w = tw
	}
	var b strings.Builder
	block := func(kind string, counts map[string]uint64) {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&b, "%s\t%s\t%d\n", kind, name, counts[name])
		}
	}
	fmt.Fprintf(&b, "lines\tin\t%d\nlines\tempty\t%d\nlines\tgrouped\t%d\nevents\tout\t%d\n", d.lines, d.empty, d.grouped, d.events)
	block("format", d.formats)
	block("dataset", d.datasets)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write statistics: %w", err)
	}
	if tw != nil {
		return tw.Flush()
	}
	return nil
}

// lineID is the id of a line of a file: a hash of the name as given, the byte offset and the line,
// so that the same command gives the same ids.
func lineID(name string, offset int64, line []byte) (id event.ID) {
	h := sha256.New()
	var n [16]byte
	binary.BigEndian.PutUint64(n[:8], uint64(len(name)))
	binary.BigEndian.PutUint64(n[8:], uint64(offset))
	_, _ = h.Write(n[:]) // a hash never fails
	_, _ = io.WriteString(h, name)
	_, _ = h.Write(line)
	copy(id[:], h.Sum(nil))
	return id
}

// countingReader counts what was read; it is a ByteReader so that gzip reads no further than it must.
type countingReader struct {
	r *bufio.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// boundedGzip ends a file that expands without end.
type boundedGzip struct {
	z   *gzip.Reader
	in  *countingReader
	out int64
}

func (b *boundedGzip) Read(p []byte) (int, error) {
	n, err := b.z.Read(p)
	b.out += int64(n)
	if b.out > gzipMaxSize || b.out > gzipRatioFloor && b.out > gzipMaxRatio*b.in.n {
		return 0, errGzipBomb
	}
	return n, err
}

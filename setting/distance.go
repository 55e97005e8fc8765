package setting

// Distance counts the insertions, deletions, changes and swaps of neighbours that make b of a
// (optimal string alignment). Words here are short; anything long is far away.
func Distance(a, b string) int {
	const long = 40
	if len(a) > long || len(b) > long {
		return long
	}
	var rows [3][long + 1]int
	before, last, row := rows[0][:], rows[1][:], rows[2][:]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

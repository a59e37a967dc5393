# SPDX-License-Identifier: Apache-2.0
# From meson's testlog.txt to one line per test: every TAP line of a program is a test, and a
# program without any is one. A program that ended badly without a "not ok" is a failed test
# too. What a failed program printed goes before its lines. Set prefix.
function finish(   i) {
	if (name == "")
		return
	if (failed || status != "exit status 0")
		for (i = 1; i <= nlines; i++)
			if (lines[i] !~ /^(not )?ok /)
				print "  " lines[i]
	printf "%s", results
	if (status != "exit status 0" && !failed)
		print "not ok " prefix "/" name " (" status ")"
	else if (!tests && status == "exit status 0")
		print "ok " prefix "/" name
	bad = bad || failed || status != "exit status 0"
	name = ""
}
/^=+ [0-9]+\/[0-9]+ =+$/ { finish(); next }
/^test: / && name == "" {
	name = $0
	sub(/^test: +/, "", name)
	sub(/^.* \/ /, "", name)
	tests = failed = nlines = 0
	results = ""
	status = "no result"
	next
}
/^result: / && status == "no result" { status = $0; sub(/^result: +/, "", status); next }
/^(starttime|duration|command): |^-+ (stdout|stderr) -+$/ { next }
/^(Summary of Failures|Ok: )/ { finish(); next }
/^=+$/ { next }
name == "" { next }
/^ok [0-9]+ .*# SKIP/ { next }
/^(not )?ok [0-9]+ - / {
	verdict = $1 == "ok" ? "ok" : "not ok"
	title = $0
	sub(/^(not )?ok [0-9]+ - /, "", title)
	results = results verdict " " prefix "/" name "/" title "\n"
	tests++
	failed += verdict != "ok"
}
{ lines[++nlines] = $0 }
END {
	finish()
	exit bad
}

# file: fs/proc/uptime.c
# A new static function, called from a changed one; a new entry in the bug table.
/^static int uptime_proc_show/i\
static noinline int suture_times_six(struct seq_file *m, int n)\
{\
\tBUG_ON(!m);\
\treturn m->size ? n * 6 : 0;\
}\

/^static int uptime_proc_show/,/^}/ s/^\treturn 0;/\tseq_printf(m, "suture %d\\n", suture_times_six(m, 7));\n&/

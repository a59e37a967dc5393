# file: fs/proc/loadavg.c
# A further line at the end of /proc/loadavg.
/^static int loadavg_proc_show/,/^}/ s/^\treturn 0;/\tseq_puts(m, "suture\\n");\n&/

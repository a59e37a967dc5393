# file: fs/proc/cmdline.c
# A new static variable: counts the reads.
/^static int cmdline_proc_show/,/^}/ {
s/^{/{\n\tstatic unsigned long suture_reads;\n/
s/^\treturn 0;/\tseq_printf(m, "suture read %lu\\n", ++suture_reads);\n&/
}

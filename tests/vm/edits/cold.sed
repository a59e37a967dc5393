# file: fs/proc/array.c
# A function whose unlikely parts the compiler has split off (proc_task_name.cold).
/^void proc_task_name/,/^}/ s/^\tif (escape)/\tif (escape)\n\t\tseq_puts(m, "suture:");\n&/

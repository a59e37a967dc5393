# file: fs/exec.c
# A function with a tracepoint (static call, static key) and with locks.
/^void __set_task_comm/,/^}/ s/^\ttask_unlock(tsk);/\tif (!strcmp(tsk->comm, "suture-a"))\n\t\ttsk->comm[7] = 'b';\n&/

# file: kernel/sys.c
# The body of a system call.
/^SYSCALL_DEFINE1(umask/,/^}/ s/mask & S_IRWXUGO/mask \& 0700/

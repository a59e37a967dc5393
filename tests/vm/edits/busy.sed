# file: fs/pipe.c
# A function in which a reader of an empty pipe sleeps.
/^pipe_read(/,/^}/ s/unlikely(total_len == 0)/unlikely(total_len == 0 || total_len > 1UL << 40)/

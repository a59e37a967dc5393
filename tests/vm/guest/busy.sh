# shellcheck shell=dash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A function in which a task sleeps: refused after some tries, with the task's
# name, and nothing is switched; it works once the task has left.
# needs: busy
mkfifo /tmp/fifo
exec 4<>/tmp/fifo
cat <&4 >/tmp/fifo.out &
reader=$!
sleep 1
refused "pipe_read" apply_file busy.bin --attempts 3
want "$reader" echo "$refused_out"
want "cat" echo "$refused_out"
want original field state
echo hello >&4
sleep 1
want hello cat /tmp/fifo.out
kill $reader
wait $reader 2>/dev/null || true
apply busy
want hello sh -c 'echo hello | cat'
revert
exec 4>&-

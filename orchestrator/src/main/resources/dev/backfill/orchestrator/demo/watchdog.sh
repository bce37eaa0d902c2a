# Makes a directory below $1, says which, and waits until standard input ends, as it does when the program ends in
# whatever way. Then ends every process whose command line has the directory in it, and removes the directory.
trap '' INT TERM HUP QUIT PIPE
umask 077
directory=$(mktemp -d "$1/backfill-demo-XXXXXXXX") || exit 1
cd /
printf '%s\n' "$directory" || :
while read -r _; do :; done

# The pattern comes by standard input, so that grep does not find itself.
processes() {
    if [ -d /proc/self ]; then
        printf '%s\n' "$directory/" | grep -laF -f - /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3
    else
        ps -A -o pid= -o command= | while read -r pid command; do
            case $command in *"$directory/"*) echo "$pid" ;; esac
        done
    fi
}

# INT ends initdb, pg_ctl and a server in order. QUIT does not wait for a last checkpoint.
tries=0
while running=$(processes) && [ -n "$running" ] && [ "$tries" -lt 100 ]; do
    case $tries in
        [0-4]) signal=INT ;;
        [5-9] | [123][0-9]) signal=QUIT ;;
        *) signal=KILL ;;
    esac
    # shellcheck disable=SC2086 # the numbers are words
    kill -s "$signal" $running 2>/dev/null
    sleep 0.1
    tries=$((tries + 1))
done
tries=0
while [ -e "$directory" ] && [ "$tries" -lt 50 ]; do
    rm -rf "$directory" 2>/dev/null || sleep 0.1
    tries=$((tries + 1))
done
[ ! -e "$directory" ]

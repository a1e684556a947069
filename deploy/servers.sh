# Sourced by deploy/check and tests/bench/run: installs what is missing by the system's package manager, and starts a PostgreSQL
# and a Redis of our own on free ports, as an unprivileged user. Everything is gone at the end.

say() { printf '\n== %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
postgres_tool() {
    command -v "$1" 2>/dev/null || ls -1 /usr/lib/postgresql/*/bin/"$1" /usr/pgsql-*/bin/"$1" 2>/dev/null | tail -n 1
}
have() {
    case "$1" in
        postgres) [ -n "$(postgres_tool initdb)" ] ;;
        redis) command -v redis-server >/dev/null ;;
        browser) { command -v chromium || command -v chromium-browser; } >/dev/null && command -v chromedriver >/dev/null ;;
        fonts) command -v fc-list >/dev/null && fc-list :lang=zh-cn | grep -q . ;;
        poppler) command -v pdftotext >/dev/null && command -v pdftoppm >/dev/null ;;
        cc) command -v cc >/dev/null ;;
        curl) command -v curl >/dev/null ;;
    esac
}

# Installs those of the named parts that are missing.
install_missing() {
    local part more missing=() packages=()
    for part in "$@"; do have "$part" || missing+=("$part"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing: ${missing[*]}"
    if command -v apt-get >/dev/null; then
        declare -A apt=([cc]=build-essential [curl]=curl [postgres]=postgresql [redis]=redis-server
            [browser]="chromium chromium-driver" [fonts]="fontconfig fonts-noto-cjk"
            [poppler]="poppler-utils")
        for part in "${missing[@]}"; do read -ra more <<<"${apt[$part]}"; packages+=("${more[@]}"); done
        as_root apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
    elif command -v dnf >/dev/null; then
        declare -A dnf=([cc]=gcc [curl]=curl [postgres]=postgresql-server [redis]=redis
            [browser]="chromium chromedriver" [fonts]="fontconfig google-noto-sans-cjk-fonts google-noto-serif-cjk-fonts"
            [poppler]="poppler-utils")
        for part in "${missing[@]}"; do read -ra more <<<"${dnf[$part]}"; packages+=("${more[@]}"); done
        as_root dnf install -y "${packages[@]}"
    else
        echo "no apt-get or dnf here: install ${missing[*]} by hand" >&2
        exit 1
    fi
}

free_port() {
    while :; do
        local port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

leave() {
    [ -f "$room/run/db/postmaster.pid" ] && "${nobody[@]}" "$(postgres_tool pg_ctl)" -D "$room/run/db" -m immediate stop >/dev/null 2>&1
    [ -n "${redis_pid:-}" ] && kill "$redis_pid" 2>/dev/null
    rm -rf "$room"
}

# A directory in memory where there is plenty of it: a story makes a database and drops it, some hundred files each time.
in_memory() {
    local free
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $4}')
    if [ -w /dev/shm ] && [ "${free:-0}" -ge $((3 << 20)) ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# Starts both, PostgreSQL with these settings; sets pg_port and redis_port, and room, a directory (in the second argument, else in
# /tmp) that goes at the end.
start_servers() {
    say "starting PostgreSQL and Redis"
    room=$(mktemp -d "${2:-/tmp}/shuitian.XXXXXX")
    chmod 755 "$room"
    nobody=()
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root.
        local user=postgres
        id "$user" >/dev/null 2>&1 || user=nobody
        nobody=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$room")
        install -d -o "$user" "$room/run"
    else
        install -d "$room/run"
    fi
    trap leave EXIT
    pg_port=$(free_port)
    "${nobody[@]}" "$(postgres_tool initdb)" -D "$room/run/db" -U postgres -A trust -E UTF8 --no-locale >"$room/initdb.log" 2>&1 ||
        { cat "$room/initdb.log"; exit 1; }
    "${nobody[@]}" "$(postgres_tool pg_ctl)" -D "$room/run/db" -l "$room/run/db.log" -w start \
        -o "-p $pg_port -h 127.0.0.1 -k $room/run $1" >/dev/null || { cat "$room/run/db.log"; exit 1; }
    redis_port=$(free_port)
    (cd "$room/run" && exec "${nobody[@]}" redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no) \
        >"$room/redis.log" 2>&1 &
    redis_pid=$!
    for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$redis_port") 2>/dev/null && break; sleep 0.1; done
}

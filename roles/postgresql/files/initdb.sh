# Makes a database cluster: under another name until it is whole, since an interrupted initdb cannot be told from a
# finished one.
# usage: sh initdb.sh FOLDER INITDB [OPTION]...
set -eu
final=$1
shift
rm -rf "$final.new"
"$@" --pgdata "$final.new"
mv "$final.new" "$final"

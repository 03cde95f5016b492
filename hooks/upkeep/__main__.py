"""Look after the project in the current folder, with what its template knows.

Usage, in an environment with requirements.txt: python <template>/hooks/upkeep --help
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the folder of this file here, whose modules are to be imported as `upkeep`'s.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from upkeep.command import main

    sys.exit(main(sys.argv[1:]))

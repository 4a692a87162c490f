package privatedir

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// foreign is the folder of another user, which only root could make.
type foreign struct{ fs.FileInfo }

func (foreign) Sys() any { return &syscall.Stat_t{Uid: uint32(os.Geteuid()) + 1} }

func TestFolderOfAnotherUser(t *testing.T) {
	info, err := os.Lstat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := check("dir", foreign{info}); !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "another user") {
		t.Errorf("error is %v, want ErrUnsafe", err)
	}
}

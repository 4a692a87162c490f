package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var errHash = errors.New("SHA-256 is not the pinned one")

// fetch returns the path of the wheel in the cache, downloading it first where
// it is missing or damaged.
func fetch(ctx context.Context, python string, w wheel, cache, staging string, p *progress) (string, error) {
	path := filepath.Join(cache, "wheels", w.file)
	err := checkHash(path, w.sha256)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, errHash):
		p.say("%v: fetching it again", err)
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	downloads := filepath.Join(staging, "wheels")
	if err := pipDownload(ctx, python, w, downloads, p); err != nil {
		return "", fmt.Errorf("fetch %s: %w", w.file, err)
	}
	fetched := filepath.Join(downloads, w.file)
	if err := checkHash(fetched, w.sha256); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.Rename(fetched, path)
}

// checkHash fails with errHash when the file has another SHA-256.
func checkHash(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s: %w: it is %s, not %s", path, errHash, got, want)
	}
	return nil
}

// pipDownload has the pip of a Python fetch the wheel into dir: pip knows the user's mirrors,
// proxies and certificates, and installs nothing. Its own temporary files go
// to dir too, so that they are removed with it.
func pipDownload(ctx context.Context, python string, w wheel, dir string, p *progress) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	requirements := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(requirements, []byte(w.requirement()), 0o644); err != nil {
		return err
	}
	args := []string{"-m", "pip", "download", "--disable-pip-version-check", "--no-input",
		"--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--require-hashes",
		"--dest", dir, "--requirement", requirements}
	for _, platform := range w.platforms() {
		args = append(args, "--platform", platform)
	}
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	p.say("fetch %s with pip", w.file)
	if p.terminal {
		cmd.Stdout = p.w // pip's own bar
	}
	if err := cmd.Run(); err != nil {
		return pipError(python, err, said.String())
	}
	return nil
}

// pipError says what to do about the usual ways in which pip fails, and what
// pip said.
func pipError(python string, err error, said string) error {
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: install Python 3 with pip, or name it with -python", err)
	case strings.Contains(said, "No module named pip"):
		return fmt.Errorf("%s has no pip: install it (apt-get install python3-pip, dnf install python3-pip, or %s -m ensurepip)", python, python)
	case strings.Contains(said, "DO NOT MATCH THE HASHES"):
		return fmt.Errorf("%w: the package index, or a mirror before it, serves another file: %s", errHash, lastLines(said))
	case strings.Contains(said, "No space left on device"):
		return errors.New("the disk is full: free 3 GB, or move the cache with -cache")
	case strings.Contains(said, "No matching distribution"), strings.Contains(said, "onnection"):
		return fmt.Errorf("pip cannot reach the package index: check the network, the proxy settings (HTTPS_PROXY) and pip's configuration (pip config list): %s", lastLines(said))
	}
	return fmt.Errorf("pip download: %w: %s", err, lastLines(said))
}

// lastLines is the end of what a program said, for an error message.
func lastLines(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " / ")
}

package blob

import (
	"fmt"
	"net/url"
	"strings"
)

const (
	// maxMetadata is S3's limit on the keys and values of an object together.
	maxMetadata = 2 << 10
	// maxMetadataValue leaves room for the others.
	maxMetadataValue = 512
	// markerKey is the metadata by which an upload knows its own object again. Stat
	// does not show it.
	markerKey = "tensorlambda-upload"
)

// metadataHeaders is metadata as S3 takes it: headers, where only printable ASCII
// survives, and spaces only within.
func metadataHeaders(metadata map[string]string, marker string) (map[string]string, error) {
	headers := map[string]string{markerKey: marker}
	total := len(markerKey) + len(marker)
	for key, value := range metadata {
		if key == "" || key == markerKey || strings.Trim(key, metadataLetters) != "" {
			return nil, fmt.Errorf("metadata %q: keys are lower-case letters, digits and hyphens", key)
		}
		value = escapeMetadata(value)
		if len(value) > maxMetadataValue {
			return nil, fmt.Errorf("metadata %q: the value takes %d bytes, and %d are allowed", key, len(value), maxMetadataValue)
		}
		headers[key] = value
		total += len(key) + len(value)
	}
	if total > maxMetadata {
		return nil, fmt.Errorf("metadata takes %d bytes, and S3 allows %d", total, maxMetadata)
	}
	return headers, nil
}

const metadataLetters = "abcdefghijklmnopqrstuvwxyz0123456789-"

// metadataOf reads the headers of an object. What others wrote may hold a percent
// sign that escapes nothing: that value is taken as it stands.
func metadataOf(headers map[string]string) map[string]string {
	metadata := make(map[string]string, len(headers))
	for key, value := range headers {
		if key == markerKey {
			continue
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		metadata[key] = value
	}
	return metadata
}

func escapeMetadata(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

package test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// listed are the answers to rows that are lists of their own number.
func listed() (want []string) {
	for i := range stepRows {
		want = append(want, `{"prediction":[`+half(i)+"]}")
	}
	return want
}

// csvRows have bad rows with a comma in quotation marks, and both kinds of line ends.
func csvRows() (string, []string) {
	text, want := strings.Builder{}, listed()
	text.WriteString("x\n")
	for i := range stepRows {
		if i%101 == 5 {
			text.WriteString("\"1,2\"\n")
			want[i] = badRow
			continue
		}
		fmt.Fprintf(&text, "%d\r\n", i)
	}
	return text.String(), want
}

// npyRows is a NumPy file of version 1.0, shape (stepRows, 1).
func npyRows() string {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 1), }", stepRows)
	header += strings.Repeat(" ", 128-10-1-len(header)) + "\n"
	data := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	data = append(data, header...)
	for i := range stepRows {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
	}
	return string(data)
}

// recordRows are TFRecords of tf.train.Examples whose feature x is a list of one float.
func recordRows() string {
	checksum := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	var data []byte
	for i := range stepRows {
		// Features, an entry of the map, its key, its value, FloatList, its values.
		example := []byte("\x0a\x0f" + "\x0a\x0d" + "\x0a\x01x" + "\x12\x08" + "\x12\x06" + "\x0a\x04")
		example = binary.LittleEndian.AppendUint32(example, math.Float32bits(float32(i)))
		length := binary.LittleEndian.AppendUint64(nil, uint64(len(example)))
		data = append(data, length...)
		data = binary.LittleEndian.AppendUint32(data, checksum(length))
		data = append(data, example...)
		data = binary.LittleEndian.AppendUint32(data, checksum(example))
	}
	return string(data)
}

// parquetRows has row groups of 500 rows, and numbers as they are, uncompressed.
func parquetRows(t *testing.T) string {
	t.Helper()
	type row struct {
		X float32 `parquet:"x,plain"`
	}
	rows := make([]row, stepRows)
	for i := range rows {
		rows[i].X = float32(i)
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, rows, parquet.MaxRowsPerRowGroup(500)); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
package com.example.digits;

import java.io.DataInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads images from standard input, and prints what digits they are. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    byte[] content = new DataInputStream(System.in).readAllBytes();
    ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    try (Digits digits = new Digits()) {
      float[] image = new float[Digits.PIXELS];
      while (bytes.remaining() >= 4 * image.length) {
        for (int i = 0; i < image.length; ++i) image[i] = bytes.getFloat();
        float[] probabilities = digits.predict(image);
        int best = 0;
        for (int i = 1; i < probabilities.length; ++i) {
          if (probabilities[i] > probabilities[best]) best = i;
        }
        System.out.println(best);
      }
    }
  }
}

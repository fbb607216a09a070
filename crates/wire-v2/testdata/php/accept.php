<?php
// The v2 document's example, as printed.
$data=array(
  'accept' => array(
    '6d054b50e0769b0d8bdaed73901e6a544ba329aa1d0d2f0d25fde025398e',
    '56df4sg6dfs5g1f56bdaed65498e6asd56f4ds65f4SDds6f54sd65f4d89q'
  ),
  'user_id' => 102525,
  'status_id' => 1023486
);
echo http_build_query($data);

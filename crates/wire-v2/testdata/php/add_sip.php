<?php
// The v2 document's example, as printed, but for one quote too many.
$data = array (
  'add' =>
  array (
    0 =>
    array (
      'source_name' => 'Company LLC',
      'source_uid' => 'a1fee7c0fc436088e64ba2e8822ba2b3',
      'pipeline_id' => '41563',
      'created_at' => '1509483600',
      'incoming_entities' =>
      array (
        'leads' =>
        array (
          0 =>
          array (
            'name' => 'Maintenance of the chainsaw',
            'created_at' => '1509483600',
            'status_id' => '13667502',
            'responsible_user_id' => '504141',
            'price' => '1000',
            'tags' => 'MT, services',
            'custom_fields' =>
            array (
              0 =>
              array (
                'id' => '4399917',
                'values' =>
                array (
                  0 => '3692247',
                  1 => '3692248',
                ),
              ),
              1 =>
              array (
                'id' => '4399923',
                'values' =>
                array (
                  0 =>
                  array (
                    'value' => 'Madison st. 1',
                    'subtype' => 'address_line_1',
                  ),
                  1 =>
                  array (
                    'value' => 'Washington',
                    'subtype' => 'city',
                  ),
                  2 =>
                  array (
                    'value' => '20011',
                    'subtype' => 'zip',
                  ),
                  3 =>
                  array (
                    'value' => 'US',
                    'subtype' => 'country',
                  ),
                ),
              ),
            ),
          ),
        ),
        'contacts' =>
        array (
          0 =>
          array (
            'name' => 'Jason Nash',
            'custom_fields' =>
            array (
              0 =>
              array (
                'id' => '4396818',
                'values' =>
                array (
                  0 =>
                  array (
                    'value' => '+19457898713',
                    'enum' => 'WORK',
                  ),
                ),
              ),
              1 =>
              array (
                'id' => '4396819',
                'values' =>
                array (
                  0 =>
                  array (
                    'value' => 'email@email.com',
                    'enum' => 'WORK',
                  ),
                ),
              ),
            ),
            'responsible_user_id' => '504141',
          ),
        ),
        'companies' =>
        array (
          0 =>
          array (
            'name' => 'Company LLC',
          ),
        ),
      ),
      'incoming_lead_info' =>
      array (
        'to' => '41565',
        'from' => '+19456153101',
        'date_call' => '1509483600',
        'duration' => '56',
        'link' => 'https://www.example.com/records/2017/11/01/98431.mp3',
        'service_code' => 'CkKwPam6',
        'uniq' => 'a1fee7c0fc436088e64ba2e8822ba2b3ewrw',
        'add_note' => 'Send a duplicate of the contract',
      ),
    ),
  ),
);
echo http_build_query($data);
